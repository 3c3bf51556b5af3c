//! `/ws/chat`, where Feast 0.67 repeats what it is told and adds a dummy, word by word.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

use super::error;
use crate::running::stopped;

/// Chats at once (Feast 0.67).
const CHATS: u32 = 5;

/// Longest message, in characters (Feast 0.67).
const MESSAGE_CHARACTERS: usize = 4096;

/// Longest message that is read at all, to hear why it is refused.
const MESSAGE_BYTES: usize = 1 << 20;

/// Messages in [`MINUTE`] (Feast 0.67).
const MESSAGES_PER_MINUTE: usize = 60;

const MINUTE: Duration = Duration::from_mins(1);

/// How long a client may say nothing (Feast 0.67).
const SILENCE: Duration = Duration::from_mins(1);

/// Pause after each word (Feast 0.67).
const PAUSE: Duration = Duration::from_millis(100);

/// The chats of one server; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Chats {
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Chats {
    /// No chat yet; all end when `stop` becomes true.
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(CHATS as usize)), stop }
    }

    /// Opens a chat. Feast 0.67: 403 when there are too many, 404 for a request that is no handshake.
    pub(super) async fn open(
        self,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    ) -> Response {
        let Ok(upgrade) = upgrade else { return error::not_found().await };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return StatusCode::FORBIDDEN.into_response();
        };
        let upgrade = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
        let mut stop = self.stop;
        upgrade.on_upgrade(move |mut socket| async move {
            let code = tokio::select! {
                code = talk(&mut socket) => code,
                () = stopped(&mut stop) => Some(close_code::AWAY),
            };
            if let Some(code) = code {
                close(&mut socket, code).await;
            }
            drop(place);
        })
    }

    /// Waits until no chat is open.
    pub(crate) async fn ended(&self) {
        let mut stop = self.stop.clone();
        stopped(&mut stop).await;
        // The semaphore is never closed: all places are free then.
        drop(self.places.acquire_many(CHATS).await);
    }
}

/// Answers message after message; the code to close with, unless the client has gone.
async fn talk(socket: &mut WebSocket) -> Option<u16> {
    let mut pace = Pace::default();
    loop {
        let Ok(said) = timeout(SILENCE, next(socket)).await else { return Some(close_code::AWAY) };
        let text = match said? {
            Said::Text(text) => text,
            Said::Bytes => return Some(close_code::UNSUPPORTED),
        };
        if text.chars().count() > MESSAGE_CHARACTERS {
            return Some(close_code::SIZE);
        }
        if !pace.allows(Instant::now()) {
            return Some(close_code::POLICY);
        }
        answer(socket, &text).await.ok()?;
    }
}

/// What a client says.
enum Said {
    Text(Utf8Bytes),
    Bytes,
}

/// The next message; `None` when the client has gone. Pings are no message.
async fn next(socket: &mut WebSocket) -> Option<Said> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return Some(Said::Text(text)),
            Message::Binary(_) => return Some(Said::Bytes),
            Message::Close(_) => return None,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

async fn answer(socket: &mut WebSocket, said: &str) -> Result<(), axum::Error> {
    let text =
        format!("You sent: '{said}'. This is a dummy response from the Feast feature server.");
    for word in text.split_whitespace() {
        socket.send(Message::from(format!("{word} "))).await?;
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn close(socket: &mut WebSocket, code: u16) {
    let frame = CloseFrame { code, reason: Utf8Bytes::default() };
    if let Err(error) = socket.send(Message::Close(Some(frame))).await {
        tracing::debug!(%error, "a chat ended before it was closed");
    }
}

/// The messages of the last minute.
#[derive(Debug, Default)]
struct Pace(VecDeque<Instant>);

impl Pace {
    /// Counts a message, unless there were too many.
    fn allows(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|sent| now.duration_since(*sent) > MINUTE) {
            self.0.pop_front();
        }
        let is_allowed = self.0.len() < MESSAGES_PER_MINUTE;
        if is_allowed {
            self.0.push_back(now);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_messages_a_minute_are_answered() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert!((0..60).all(|second| pace.allows(start + Duration::from_secs(second))));
        assert!(!pace.allows(start + MINUTE));
        assert!(pace.allows(start + Duration::from_secs(61)));
        assert!(!pace.allows(start + Duration::from_secs(61)));
    }
}
