//! The server of the crate `mini-redis`, and a client of it.

use bytes::Bytes;
use mini_redis::{Result, client, server};
use tokio::net::TcpListener;

async fn talk(address: String) -> Result<Option<Bytes>> {
    let mut client = client::connect(&address).await?;
    client.set("key", Bytes::from_static(b"value")).await?;
    client.publish("channel", Bytes::from_static(b"message")).await?;
    let value = client.get("key").await?;
    let mut subscriber = client.subscribe(vec!["channel".to_owned()]).await?;
    subscriber.subscribe(&["other".to_owned()]).await?;
    while let Some(message) = subscriber.next_message().await? {
        if message.content.is_empty() {
            subscriber.unsubscribe(&["channel".to_owned()]).await?;
            break;
        }
    }
    Ok(value)
}

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let client = tokio::spawn(talk(address));
    server::run(listener, tokio::signal::ctrl_c()).await;
    println!("{:?}", client.await?.is_ok());
    Ok(())
}
