//! SendGrid: every event of an alert as a mail, those of one alert as one thread.

mod address;
mod judge;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::SENDGRID;
