//! The ruler: an endpoint on the same HTTP stack as the hub's that reads each body and says 200.

use std::net::SocketAddr;
use std::process::Command;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;

/// This program again, in its other part.
pub fn command(address: SocketAddr) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bare", &address.to_string()]);
    Ok(command)
}

/// Serves until it is killed.
pub async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let app = Router::new().route("/", get(|| async {}).post(|_: Bytes| async {}));
    let app = app.layer(axum::extract::DefaultBodyLimit::disable());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
