//! Clients of MQTT 3 and 5.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, v5};

async fn three() -> usize {
    let mut options = MqttOptions::new("three", "localhost", 1883);
    options.set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 10);
    tokio::spawn(async move {
        client.subscribe("topic", QoS::AtMostOnce).await?;
        for i in 0..10 {
            client.publish("topic", QoS::AtLeastOnce, false, vec![i; usize::from(i)]).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        client.disconnect().await
    });
    let mut total = 0;
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Packet::Publish(message)) = event {
            total += message.payload.len();
        }
    }
    total
}

async fn five() -> usize {
    let options = v5::MqttOptions::new("five", "localhost", 1883);
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    tokio::spawn(async move {
        client.subscribe("topic", v5::mqttbytes::QoS::ExactlyOnce).await?;
        client.publish("topic", v5::mqttbytes::QoS::AtLeastOnce, false, "text").await
    });
    let mut total = 0;
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(1), events.poll()).await {
        total += 1;
    }
    total
}

fn blocking() -> usize {
    let (client, mut connection) =
        rumqttc::Client::new(MqttOptions::new("blocking", "localhost", 1883), 10);
    let _ = client.try_publish("topic", QoS::AtMostOnce, false, "text");
    let (_, mut connection5) =
        v5::Client::new(v5::MqttOptions::new("blocking5", "localhost", 1883), 10);
    let received = connection.recv_timeout(Duration::from_secs(1)).is_ok();
    let received5 = connection5.recv_timeout(Duration::from_secs(1)).is_ok();
    usize::from(received) + usize::from(received5) + connection.iter().count()
}

#[tokio::main]
async fn main() {
    let (a, b) = tokio::join!(tokio::spawn(three()), tokio::spawn(five()));
    println!("{a:?} {b:?} {:?}", tokio::task::spawn_blocking(blocking).await);
}
