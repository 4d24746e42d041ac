//! Queries that are tried again, for a limited time.

use tokio::time::{sleep, timeout};
use tracing::warn;

use super::repository::Query;
use crate::service::shared::{Policy, RepositoryError, ServiceError};

/// All attempts together take no longer than the limit.
pub(super) async fn in_time<'a, T>(
    policy: &Policy,
    query: impl Fn() -> Query<'a, T>,
) -> Result<T, ServiceError> {
    timeout(policy.limit, retry(policy, query)).await.unwrap_or(Err(ServiceError::TimedOut))
}

/// Tries again while the query is refused, after pauses that grow.
async fn retry<'a, T>(
    policy: &Policy,
    query: impl Fn() -> Query<'a, T>,
) -> Result<T, ServiceError> {
    let mut attempts = 1;
    loop {
        match query().await {
            Ok(answer) => return Ok(answer),
            Err(error @ RepositoryError::Refused) => {
                warn!(attempts, %error, "attempt failed");
                if attempts == policy.attempts {
                    return Err(ServiceError::GaveUp { attempts, source: error });
                }
            }
            Err(error) => return Err(ServiceError::Query(error)),
        }
        sleep(policy.pause * attempts).await;
        attempts += 1;
    }
}
