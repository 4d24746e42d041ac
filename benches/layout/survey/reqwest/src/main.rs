//! A client of HTTP: pages, JSON, uploads and streams.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, Result};

async fn page(client: &Client, address: &str) -> Result<String> {
    client.get(address).send().await?.error_for_status()?.text().await
}

async fn post(client: &Client, address: &str) -> Result<serde_json::Value> {
    let body = serde_json::json!({ "name": "value" });
    client.post(address).json(&body).send().await?.json().await
}

async fn upload(client: &Client, address: &str, content: Vec<u8>) -> Result<u16> {
    let part = reqwest::multipart::Part::bytes(content).file_name("file");
    let form = reqwest::multipart::Form::new().part("file", part);
    Ok(client.put(address).multipart(form).send().await?.status().as_u16())
}

async fn download(client: &Client, address: &str) -> Result<usize> {
    let mut stream = client.get(address).send().await?.bytes_stream();
    let mut total = 0;
    while let Some(chunk) = stream.next().await {
        total += chunk?.len();
    }
    Ok(total)
}

async fn all(client: Client, addresses: Vec<String>) -> usize {
    let mut total = 0;
    for address in &addresses {
        for _ in 0..3 {
            match tokio::time::timeout(Duration::from_secs(5), page(&client, address)).await {
                Ok(Ok(text)) => {
                    total += text.len();
                    break;
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        total += download(&client, address).await.unwrap_or(0);
        total += post(&client, address).await.map_or(0, |value| value.to_string().len());
        total += usize::from(upload(&client, address, vec![0; 16]).await.unwrap_or(0));
    }
    total
}

#[tokio::main]
async fn main() -> Result<()> {
    let client = Client::builder().cookie_store(true).timeout(Duration::from_secs(30)).build()?;
    let tasks: Vec<_> = (0..4)
        .map(|_| tokio::spawn(all(client.clone(), std::env::args().skip(1).collect())))
        .collect();
    for task in tasks {
        println!("{:?}", task.await);
    }
    Ok(())
}
