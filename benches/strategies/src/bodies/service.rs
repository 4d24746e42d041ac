//! The levels of a request to the service, which `lab_work::service` describes: one text for `nested` and `direct`,
//! which differ by an attribute, and by whose `timeout` is in scope.

/// Defines the levels with the attributes given, and the handlers `Shallow` and `Deep`.
///
/// The names that they use must be in scope.
macro_rules! service {
    ($(#[$attribute:meta])*) => {
        $crate::bodies::service! { @route [$(#[$attribute])*] Shallow route8 item }
        $crate::bodies::service! { @route [$(#[$attribute])*] Deep route32 layer24 }

        $crate::bodies::service! { @layers [$(#[$attribute])*]
            layer24 layer23, layer23 layer22, layer22 layer21, layer21 layer20, layer20 layer19,
            layer19 layer18, layer18 layer17, layer17 layer16, layer16 layer15, layer15 layer14,
            layer14 layer13, layer13 layer12, layer12 layer11, layer11 layer10, layer10 layer9,
            layer9 layer8, layer8 layer7, layer7 layer6, layer6 layer5, layer5 layer4,
            layer4 layer3, layer3 layer2, layer2 layer1, layer1 item,
        }

        $(#[$attribute])*
        async fn item<T: Timer>(shop: &Shop, head: Head, asked: Asked) -> Answer {
            let text = begin(asked);
            match quote::<T>(shop, asked).await {
                Ok(quote) if head.version >= Version::HTTP_11 => end(text, quote),
                Ok(_) => Failure::Malformed.into(),
                Err(failure) => failure.into(),
            }
        }

        $(#[$attribute])*
        async fn quote<T: Timer>(shop: &Shop, asked: Asked) -> Result<Quote, Failure> {
            let rates = shop.rates();
            let found = find::<T>(shop, asked.item).await?;
            Ok(Quote::of(found, &rates, asked.count))
        }

        $(#[$attribute])*
        async fn find<T: Timer>(shop: &Shop, item: u64) -> Result<Found, Failure> {
            let key = Key::of(item);
            in_time::<T>(shop, key).await?.checked(&key)
        }

        $(#[$attribute])*
        async fn in_time<T: Timer>(shop: &Shop, key: Key) -> Result<Found, Failure> {
            timeout(T::sleep(LIMIT), retry(shop, key)).await.unwrap_or(Err(Failure::Late))
        }

        $(#[$attribute])*
        async fn retry(shop: &Shop, key: Key) -> Result<Found, Failure> {
            let mut attempts = 1;
            loop {
                match query(shop, &key, attempts).await {
                    Ok(row) => return Ok(Found { row, attempts }),
                    Err(Failure::Refused) if attempts < ATTEMPTS => attempts += 1,
                    Err(failure) => return Err(failure),
                }
            }
        }

        $(#[$attribute])*
        async fn query(shop: &Shop, key: &Key, attempt: u64) -> Result<Row, Failure> {
            let statement = key.statement(attempt);
            let _place = shop.enter();
            rows(shop, &statement).await
        }

        $(#[$attribute])*
        async fn rows(shop: &Shop, statement: &Statement) -> Result<Row, Failure> {
            let mut row = [0; BLOCKS];
            for (block, word) in row.iter_mut().enumerate() {
                shop.gate.pass().await;
                *word = shop.block(statement, block)?;
            }
            Ok(row)
        }
    };
    (@route [$(#[$attribute:meta])*] $handler:ident $route:ident $next:ident) => {
        pub(crate) struct $handler;

        impl Handler for $handler {
            fn handle<T: Timer>(
                shop: Arc<Shop>,
                head: Head,
            ) -> impl Future<Output = Answer> + Send + 'static {
                $route::<T>(shop, head)
            }
        }

        $(#[$attribute])*
        async fn $route<T: Timer>(shop: Arc<Shop>, head: Head) -> Answer {
            let number = shop.number();
            let target = head.uri.path_and_query().map_or("", |target| target.as_str());
            let answer = match Asked::of(head.method.as_str(), target) {
                Ok(asked) => $next::<T>(&shop, head, asked).await,
                Err(failure) => failure.into(),
            };
            shop.log(number, &answer);
            answer
        }
    };
    (@layers $attributes:tt $($name:ident $next:ident,)*) => {
        $($crate::bodies::service! { @layer $attributes $name $next })*
    };
    (@layer [$(#[$attribute:meta])*] $name:ident $next:ident) => {
        $(#[$attribute])*
        async fn $name<T: Timer>(shop: &Shop, head: Head, asked: Asked) -> Answer {
            let number = shop.number();
            let mut answer = $next::<T>(shop, head, asked).await;
            shop.log(number, &answer);
            answer.layers += 1;
            answer
        }
    };
}

/// `$body` with `$handler` for the handler of so many calls, if there is one.
macro_rules! with_handler {
    ($depth:expr, |$handler:ident| $body:expr) => {
        match $depth {
            8 => {
                type $handler = Shallow;
                Some($body)
            }
            32 => {
                type $handler = Deep;
                Some($body)
            }
            _ => None,
        }
    };
}

pub(crate) use {service, with_handler};
