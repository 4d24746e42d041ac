//! Pools of connections to PostgreSQL and MySQL.

use futures_util::TryStreamExt;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Connection, MySqlConnection, Row};

async fn postgres(address: String) -> sqlx::Result<i64> {
    let pool = PgPoolOptions::new().max_connections(5).connect(&address).await?;
    let (mut total,): (i64,) = sqlx::query_as("SELECT $1").bind(150_i64).fetch_one(&pool).await?;
    let mut transaction = pool.begin().await?;
    sqlx::query("UPDATE item SET n = n + 1").execute(&mut *transaction).await?;
    transaction.commit().await?;
    let mut rows = sqlx::query("SELECT n FROM item").fetch(&pool);
    while let Some(row) = rows.try_next().await? {
        total += row.try_get::<i64, _>("n")?;
    }
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("channel").await?;
    Ok(total + i64::try_from(listener.recv().await?.payload().len()).unwrap_or(0))
}

async fn mysql(address: String) -> sqlx::Result<usize> {
    let mut connection = MySqlConnection::connect(&address).await?;
    let rows = sqlx::query("SELECT 1").fetch_all(&mut connection).await?;
    connection.ping().await?;
    connection.close().await?;
    Ok(rows.len())
}

#[tokio::main]
async fn main() {
    for address in std::env::args().skip(1) {
        println!("{:?}", tokio::spawn(postgres(address.clone())).await);
        println!("{:?}", tokio::spawn(mysql(address)).await);
    }
}
