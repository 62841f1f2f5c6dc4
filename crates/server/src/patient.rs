//! A socket that is not waited for without end: a peer that takes nothing for a while is cut.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use model::{BoxFuture, Clock, DurationMs, SystemClock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Fails writes that made no progress for a while. Reads wait as long as hyper lets them.
pub(crate) struct Patient<S> {
    inner: S,
    patience: DurationMs,
    /// Runs since the first write that had to wait.
    stalled: Option<BoxFuture<'static, ()>>,
}

impl<S> Patient<S> {
    pub fn new(inner: S, patience: DurationMs) -> Patient<S> {
        Patient {
            inner,
            patience,
            stalled: None,
        }
    }

    fn judge<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| SystemClock.sleep(patience));
        stalled.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer takes nothing any more",
            ))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.judge(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.judge(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.judge(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(polled, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn i12_a_peer_that_takes_nothing_is_cut_and_a_slow_one_is_not() {
        let (here, mut there) = tokio::io::duplex(4);
        let mut here = Patient::new(here, DurationMs(20));
        here.write_all(b"1234").await.unwrap();
        let error = here.write_all(b"5678").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        let (here, there_too) = tokio::io::duplex(4);
        let mut here = Patient::new(here, DurationMs::from_secs(60));
        let reader = tokio::spawn(async move {
            let mut there = there_too;
            let mut all = String::new();
            there.read_to_string(&mut all).await.map(|_| all)
        });
        here.write_all(b"123456789").await.unwrap();
        here.shutdown().await.unwrap();
        drop(here);
        assert_eq!(reader.await.unwrap().unwrap(), "123456789");
        let mut first = [0; 4];
        there.read_exact(&mut first).await.unwrap();
    }
}
