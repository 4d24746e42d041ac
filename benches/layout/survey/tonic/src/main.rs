//! A server of gRPC's health service, and its client.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::transport::{Channel, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn watch(address: &'static str) -> Result<usize> {
    let channel = Channel::from_static(address).timeout(Duration::from_secs(5)).connect().await?;
    let mut client = HealthClient::new(channel);
    let request = HealthCheckRequest { service: String::new() };
    client.check(request.clone()).await?;
    let mut updates = client.watch(request).await?.into_inner();
    let mut total = 0;
    while let Some(update) = updates.next().await {
        update?;
        total += 1;
    }
    Ok(total)
}

#[tokio::main]
async fn main() -> Result<()> {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("survey", ServingStatus::Serving).await;
    let client = tokio::spawn(watch("http://127.0.0.1:50051"));
    Server::builder()
        .add_service(service)
        .serve_with_shutdown("127.0.0.1:50051".parse()?, async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    println!("{:?}", client.await?);
    Ok(())
}
