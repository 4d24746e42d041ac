//! Look-ups of names.

use hickory_resolver::{ResolveError, Resolver};

async fn look_up(name: String) -> Result<usize, ResolveError> {
    let resolver = Resolver::builder_tokio()?.build();
    let addresses = resolver.lookup_ip(name.as_str()).await?.iter().count();
    let mail = resolver.mx_lookup(name.as_str()).await?.iter().count();
    let text = resolver.txt_lookup(name.as_str()).await.map_or(0, |texts| texts.iter().count());
    let services = resolver.srv_lookup(name).await.map_or(0, |services| services.iter().count());
    Ok(addresses + mail + text + services)
}

#[tokio::main]
async fn main() {
    for name in std::env::args().skip(1) {
        println!("{name}: {:?}", tokio::spawn(look_up(name.clone())).await);
    }
}
