//! A pool of connections to PostgreSQL: queries, a transaction, a copy.

use std::error::Error;
use std::pin::pin;

use deadpool_postgres::{Config, Pool, Runtime};
use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::NoTls;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

async fn query(pool: Pool) -> Result<i64> {
    let client = pool.get().await?;
    let statement = client.prepare_cached("SELECT id FROM item WHERE name = $1").await?;
    let mut total = 0;
    for row in client.query(&statement, &[&"name"]).await? {
        total += row.get::<_, i64>(0);
    }
    let one = client.query_opt("SELECT 1::INT8", &[]).await?;
    let rows = client.query_raw("SELECT id FROM item", Vec::<i64>::new()).await?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await? {
        total += row.get::<_, i64>(0);
    }
    Ok(total + one.map_or(0, |row| row.get(0)))
}

async fn transfer(pool: Pool, from: i64, to: i64) -> Result<()> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    transaction.execute("UPDATE account SET n = n - 1 WHERE id = $1", &[&from]).await?;
    transaction.execute("UPDATE account SET n = n + 1 WHERE id = $1", &[&to]).await?;
    transaction.commit().await?;
    let sink = client.copy_in("COPY item FROM STDIN").await?;
    let mut sink = pin!(sink);
    sink.send(bytes(b"1\tname\n")).await?;
    sink.finish().await?;
    client.batch_execute("VACUUM").await?;
    Ok(())
}

fn bytes(text: &'static [u8]) -> std::io::Cursor<&'static [u8]> {
    std::io::Cursor::new(text)
}

async fn alone() -> Result<String> {
    let (client, connection) =
        tokio_postgres::connect("host=localhost user=postgres", NoTls).await?;
    tokio::spawn(connection);
    Ok(client.query_one("SELECT version()", &[]).await?.get(0))
}

#[tokio::main]
async fn main() -> Result<()> {
    let pool = Config::new().create_pool(Some(Runtime::Tokio1), NoTls)?;
    println!("{:?}", tokio::spawn(query(pool.clone())).await?);
    println!("{:?}", tokio::spawn(transfer(pool, 1, 2)).await?);
    println!("{:?}", tokio::spawn(alone()).await?);
    Ok(())
}
