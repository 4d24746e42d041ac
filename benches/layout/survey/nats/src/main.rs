//! A client of NATS: requests, subscriptions, a stream with a consumer, a key-value store.

use async_nats::jetstream;
use futures_util::StreamExt;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn core(address: String) -> Result<usize> {
    let client = async_nats::connect(address).await?;
    let mut subscriber = client.subscribe("subject").await?;
    client.publish("subject", "text".into()).await?;
    client.flush().await?;
    let answer = client.request("service", "question".into()).await?;
    let mut total = answer.payload.len();
    while let Some(message) = subscriber.next().await {
        total += message.payload.len();
    }
    Ok(total)
}

async fn stream(address: String) -> Result<usize> {
    let context = jetstream::new(async_nats::connect(address).await?);
    let config = jetstream::stream::Config { name: "events".to_owned(), ..Default::default() };
    let stream = context.get_or_create_stream(config).await?;
    context.publish("events", "text".into()).await?.await?;
    let config = jetstream::consumer::pull::Config::default();
    let consumer = stream.get_or_create_consumer("consumer", config).await?;
    let mut messages = consumer.messages().await?.take(10);
    let mut total = 0;
    while let Some(message) = messages.next().await {
        let message = message?;
        message.ack().await?;
        total += message.payload.len();
    }
    let config = jetstream::kv::Config { bucket: "bucket".to_owned(), ..Default::default() };
    let store = context.create_key_value(config).await?;
    store.put("key", "value".into()).await?;
    Ok(total + store.get("key").await?.map_or(0, |value| value.len()))
}

#[tokio::main]
async fn main() {
    for address in std::env::args().skip(1) {
        println!("{:?}", tokio::spawn(core(address.clone())).await);
        println!("{:?}", tokio::spawn(stream(address)).await);
    }
}
