//! Clients of Redis: one server, a pool that reconnects, a cluster, sentinels.

use redis::aio::ConnectionManager;
use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{AsyncCommands, Client, RedisResult};

async fn one(address: String) -> RedisResult<i64> {
    let mut connection = Client::open(address)?.get_multiplexed_async_connection().await?;
    let () = connection.set("key", 1).await?;
    let (value,): (i64,) =
        redis::pipe().atomic().incr("key", 2).query_async(&mut connection).await?;
    let list: Vec<String> = connection.lrange("list", 0, 9).await?;
    Ok(value + list.len() as i64)
}

async fn managed(address: String) -> RedisResult<Option<String>> {
    let mut manager = ConnectionManager::new(Client::open(address)?).await?;
    for _ in 0..3 {
        let _: i64 = manager.incr("counter", 1).await?;
    }
    manager.get("key").await
}

async fn cluster(addresses: Vec<String>) -> RedisResult<usize> {
    let client = ClusterClient::new(addresses)?;
    let mut connection = client.get_async_connection().await?;
    let () = connection.set("a", "b").await?;
    let text: String = connection.get("a").await?;
    Ok(text.len())
}

async fn sentinel(addresses: Vec<String>) -> RedisResult<bool> {
    let mut client =
        SentinelClient::build(addresses, "master".to_owned(), None, SentinelServerType::Master)?;
    let mut connection = client.get_async_connection().await?;
    connection.exists("key").await
}

#[tokio::main]
async fn main() {
    let addresses: Vec<String> = std::env::args().skip(1).collect();
    let first = addresses.first().cloned().unwrap_or_default();
    let (a, b) = tokio::join!(tokio::spawn(one(first.clone())), tokio::spawn(managed(first)));
    println!("{a:?} {b:?}");
    println!("{:?}", tokio::spawn(cluster(addresses.clone())).await);
    println!("{:?}", tokio::spawn(sentinel(addresses)).await);
}
