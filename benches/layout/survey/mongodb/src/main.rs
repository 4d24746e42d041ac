//! A client of MongoDB: documents, a transaction, a stream of changes.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::{Client, error::Result};

async fn documents(address: String) -> Result<usize> {
    let client = Client::with_uri_str(&address).await?;
    let database = client.database("survey");
    let items = database.collection::<Document>("items");
    items.insert_one(doc! { "name": "a" }).await?;
    items.insert_many([doc! { "name": "b" }, doc! { "name": "c" }]).await?;
    items.update_one(doc! { "name": "a" }, doc! { "$set": { "n": 1 } }).await?;
    let mut cursor = items.find(doc! {}).await?;
    let mut total = 0;
    while let Some(document) = cursor.try_next().await? {
        total += document.len();
    }
    let mut session = client.start_session().await?;
    session.start_transaction().await?;
    items.delete_one(doc! { "name": "b" }).session(&mut session).await?;
    session.commit_transaction().await?;
    total += items.aggregate([doc! { "$match": {} }]).await?.try_collect::<Vec<_>>().await?.len();
    let mut changes = items.watch().await?;
    while changes.next_if_any().await?.is_some() {
        total += 1;
    }
    Ok(total + database.list_collection_names().await?.len())
}

#[tokio::main]
async fn main() {
    for address in std::env::args().skip(1) {
        println!("{:?}", tokio::spawn(documents(address)).await);
    }
}
