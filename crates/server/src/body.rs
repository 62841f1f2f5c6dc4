//! Bodies, with their limits in bytes and time.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use model::{Clock, DurationMs, SystemClock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// A body and, if it is large, its place among the few large ones at a time.
#[derive(Debug)]
pub(crate) struct WholeBody {
    pub bytes: Bytes,
    pub place: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge,
    TooSlow,
    /// The connection broke, or its framing is wrong.
    Broken,
}

/// Reads a whole body of at most `max` bytes, `within` a time. The time is the machine's: sockets know no other.
pub(crate) async fn read(
    body: Body,
    max: usize,
    within: DurationMs,
    large: &Arc<Semaphore>,
) -> Result<WholeBody, BodyFault> {
    let reading = read_all(body, max, large);
    tokio::select! {
        biased;
        done = reading => done,
        () = SystemClock.sleep(within) => Err(BodyFault::TooSlow),
    }
}

async fn read_all(
    mut body: Body,
    max: usize,
    large: &Arc<Semaphore>,
) -> Result<WholeBody, BodyFault> {
    // What it says of its length is believed only as far as it costs nothing.
    let expected = body
        .size_hint()
        .lower()
        .min(limits::SMALL_BODY_BYTES as u64);
    let expected = usize::try_from(expected).unwrap_or_default();
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut permit = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyFault::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let before = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if before + data.len() > max {
            drain(body, before + data.len()).await?;
            return Err(BodyFault::TooLarge);
        }
        if before + data.len() > limits::SMALL_BODY_BYTES && permit.is_none() {
            permit = large.clone().acquire_owned().await.ok();
        }
        if before == 0 {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                rest.reserve(expected.max(before + data.len()));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(WholeBody {
        bytes: first.unwrap_or_else(|| rest.freeze()),
        place: permit,
    })
}

/// Reads on without keeping anything, so that a sender that first writes and then reads hears the answer.
async fn drain(mut body: Body, mut taken: usize) -> Result<(), BodyFault> {
    while taken < limits::DRAIN_BYTES_MAX {
        match body.frame().await {
            None => return Ok(()),
            Some(Err(_)) => return Err(BodyFault::Broken),
            Some(Ok(frame)) => taken += frame.data_ref().map_or(0, Bytes::len),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: DurationMs = DurationMs::from_hours(1);

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<Result<Bytes, std::io::Error>> = sizes
            .iter()
            .map(|n| Ok(Bytes::from(vec![b'x'; *n])))
            .collect();
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn i10_a_body_is_read_up_to_its_limit_and_not_a_byte_more() {
        let large = Arc::new(Semaphore::new(1));
        for (sizes, expected) in [
            (vec![], Ok(0)),
            (vec![10], Ok(10)),
            (vec![4, 6], Ok(10)),
            (vec![0, 4, 3, 3], Ok(10)),
            (vec![11], Err(BodyFault::TooLarge)),
            (vec![4, 7, 1000], Err(BodyFault::TooLarge)),
        ] {
            let read = read(chunks(&sizes), 10, HOUR, &large).await;
            assert_eq!(read.map(|b| b.bytes.len()), expected, "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn i10_a_large_body_holds_one_of_few_places_until_it_is_dealt_with() {
        let large = Arc::new(Semaphore::new(1));
        let size = limits::SMALL_BODY_BYTES;
        let body = read(chunks(&[size, 1]), size * 2, HOUR, &large)
            .await
            .unwrap();
        assert_eq!(large.available_permits(), 0);
        drop(body.place);
        assert_eq!(large.available_permits(), 1);
        let small = read(chunks(&[size]), size * 2, HOUR, &large).await.unwrap();
        assert!(small.place.is_none());
    }

    #[tokio::test]
    async fn i10_a_body_that_does_not_end_is_given_up() {
        let large = Arc::new(Semaphore::new(1));
        let endless = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let read = read(Body::from_stream(endless), 10, DurationMs(5), &large).await;
        assert_eq!(read.err(), Some(BodyFault::TooSlow));
    }
}
