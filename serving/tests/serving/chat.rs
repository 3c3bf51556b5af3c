//! `/ws/chat`, as a WebSocket client sees it.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use larder_core::Compat;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::fixture::Shop;

type Chat = WebSocketStream<TcpStream>;

async fn connect(shop: &Shop) -> Result<Chat, Error> {
    let stream = TcpStream::connect(shop.http).await.unwrap();
    let url = format!("ws://{}/ws/chat", shop.http);
    client_async(url, stream).await.map(|(chat, _)| chat)
}

/// The next message; the server never stays silent.
async fn next(chat: &mut Chat) -> Message {
    let next = timeout(Duration::from_secs(10), chat.next()).await;
    next.expect("an answer in time").expect("an answer").expect("a message")
}

/// The code that a chat is closed with.
async fn closed(chat: &mut Chat) -> u16 {
    let message = next(chat).await;
    let Message::Close(Some(frame)) = message else { panic!("{message:?} closes nothing") };
    frame.code.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_comes_back_word_by_word() {
    let shop = Shop::open(Compat::Larder).await;
    let mut chat = connect(&shop).await.unwrap();
    chat.send(Message::from("good  morning")).await.unwrap();
    let expected =
        "You sent: 'good morning'. This is a dummy response from the Feast feature server. ";
    for word in expected.split_inclusive(' ') {
        assert_eq!(next(&mut chat).await, Message::from(word));
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_closes_the_chat_with_a_reason() {
    let shop = Shop::open(Compat::Larder).await;
    for (message, code) in
        [(Message::from("a".repeat(4097)), 1009), (Message::from(vec![1_u8, 2]), 1003)]
    {
        let mut chat = connect(&shop).await.unwrap();
        chat.send(message).await.unwrap();
        assert_eq!(closed(&mut chat).await, code);
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_chats_are_open_at_once_and_one_that_ends_makes_room() {
    let shop = Shop::open(Compat::Larder).await;
    let mut chats = Vec::new();
    for _ in 0..5 {
        chats.push(connect(&shop).await.unwrap());
    }
    let refused = connect(&shop).await;
    assert!(matches!(&refused, Err(Error::Http(answer)) if answer.status() == 403), "{refused:?}");
    drop(chats.pop());
    let room = async {
        while connect(&shop).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), room).await.expect("a place is free again");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_end_with_the_server() {
    let shop = Shop::open(Compat::Larder).await;
    let (mut silent, mut answered) = (connect(&shop).await.unwrap(), connect(&shop).await.unwrap());
    answered.send(Message::from("word ".repeat(800))).await.unwrap();
    assert_eq!(next(&mut answered).await, Message::from("You "));
    shop.terminate();
    assert_eq!(closed(&mut silent).await, 1001);
    let stopped = timeout(Duration::from_secs(5), shop.stop());
    let mut last = next(&mut answered).await;
    while last.is_text() {
        last = next(&mut answered).await;
    }
    assert!(last.is_close(), "{last:?}");
    stopped.await.expect("no chat keeps the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_handshake_finds_nothing() {
    let shop = Shop::open(Compat::Larder).await;
    let url = format!("http://{}/ws/chat", shop.http);
    let mut answer = shop.client.get(url).call().unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.body_mut().read_to_string().unwrap(), r#"{"detail":"Not Found"}"#);
    shop.stop().await;
}
