//! A connection that asks nothing but look-ups, and hands back the bytes of their answers as they came.
//!
//! A look-up of 100 entities with 50 features answers 5 500 fields. The client library makes a command of each entity and
//! a value of each field, which costs several times what Redis needs to send them; here a pipeline is one string of
//! bytes that goes out, and one that comes back. What callers ask while an answer is awaited leaves together.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::reply::{End, Unreadable};

/// Pipelines that wait to be sent before callers wait.
const QUEUE: usize = 256;

/// Pipelines that are sent together.
const AT_ONCE: usize = 64;

/// Bytes that are asked for at once.
const READ: usize = 64 << 10;

/// The answers to one pipeline, one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawAnswers {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl RawAnswers {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of one.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }
}

/// The connection; ends with its last clone.
#[derive(Debug, Clone)]
pub(super) struct LookUpConnection(mpsc::Sender<Asked>);

#[derive(Debug)]
struct Asked {
    pipeline: Vec<u8>,
    awaited: Awaited,
}

#[derive(Debug)]
struct Awaited {
    answers: usize,
    reply: oneshot::Sender<RawAnswers>,
}

impl LookUpConnection {
    /// Takes over a connection that is logged in, on the runtime of the caller.
    pub(super) fn over(stream: TcpStream) -> Self {
        let (sender, asked) = mpsc::channel(QUEUE);
        // Ends with the last sender, or with the connection.
        tokio::spawn(async move {
            if let Err(error) = drive(stream, asked).await {
                tracing::debug!(%error, "a connection to redis ended");
            }
        });
        Self(sender)
    }

    /// Sends a pipeline of so many commands.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone before all answers have come.
    pub(super) async fn ask(&self, pipeline: Vec<u8>, answers: usize) -> Result<RawAnswers> {
        let (reply, awaited) = oneshot::channel();
        let asked = Asked { pipeline, awaited: Awaited { answers, reply } };
        self.0.send(asked).await.map_err(|_| ErrorKind::BrokenPipe)?;
        awaited.await.map_err(|_| ErrorKind::BrokenPipe.into())
    }
}

/// Sends what is asked and hands out what is answered, until either side goes.
async fn drive(stream: TcpStream, mut asked: mpsc::Receiver<Asked>) -> Result<()> {
    let (mut reading, mut writing) = stream.into_split();
    let (mut batch, mut out, mut sent) = (Vec::with_capacity(AT_ONCE), Vec::new(), 0);
    let mut answers = Answers::default();
    loop {
        tokio::select! {
            count = asked.recv_many(&mut batch, AT_ONCE), if sent == out.len() => {
                if count == 0 {
                    return Ok(());
                }
                (out, sent) = (Vec::new(), 0);
                for Asked { pipeline, awaited } in batch.drain(..) {
                    if out.is_empty() { out = pipeline } else { out.extend(pipeline) }
                    answers.awaited.push_back(awaited);
                }
            }
            count = writing.write(&out[sent..]), if sent < out.len() => sent += count?,
            count = answers.read(&mut reading) => {
                if count? == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                answers.hand_out()?;
            }
        }
    }
}

/// What came, and who waits for it.
#[derive(Debug, Default)]
struct Answers {
    /// Begins with the first answer that is not handed out.
    bytes: Vec<u8>,
    awaited: VecDeque<Awaited>,
    /// Ends of answers to the first pipeline that is awaited.
    ends: Vec<usize>,
    /// Where the next answer ends, as far as it is known.
    end: End,
}

impl Answers {
    async fn read(&mut self, stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<usize> {
        if self.bytes.capacity() - self.bytes.len() < READ / 2 {
            self.bytes.reserve(READ);
        }
        stream.read_buf(&mut self.bytes).await
    }

    /// Takes so many bytes from the front.
    ///
    /// Few are copied: a buffer that is given away for each small answer, and freed by its reader, has the allocator put
    /// its lists in order every time.
    fn take(&mut self, length: usize) -> Vec<u8> {
        if length < READ / 4 {
            let bytes = self.bytes[..length].to_vec();
            self.bytes.drain(..length);
            return bytes;
        }
        let rest = self.bytes.split_off(length);
        std::mem::replace(&mut self.bytes, rest)
    }

    /// Gives everyone whose answers are there their own.
    fn hand_out(&mut self) -> Result<()> {
        while let Some(Awaited { answers, .. }) = self.awaited.front() {
            while self.ends.len() < *answers {
                let start = self.ends.last().copied().unwrap_or(0);
                match self.end.find(&self.bytes[start..]) {
                    Ok(Some(length)) => self.ends.push(start + length),
                    Ok(None) => return Ok(()),
                    Err(Unreadable) => return Err(no_redis()),
                }
                self.end = End::default();
            }
            let ends = std::mem::take(&mut self.ends);
            let bytes = self.take(ends.last().copied().unwrap_or(0));
            if let Some(Awaited { reply, .. }) = self.awaited.pop_front() {
                // Who gave up waiting does not want it any more.
                drop(reply.send(RawAnswers { bytes, ends }));
            }
        }
        if self.bytes.is_empty() { Ok(()) } else { Err(no_redis()) }
    }
}

/// The error for bytes that nobody asked for, or that are no answer.
fn no_redis() -> Error {
    Error::new(ErrorKind::InvalidData, "redis sent something else than an answer")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tokio::time::{sleep, timeout};

    use super::*;

    const ANSWERS: [&[u8]; 4] = [b"*2\r\n$1\r\nx\r\n$-1\r\n", b"-ERR no\r\n", b"*0\r\n", b":7\r\n"];

    /// A connection, and the end that plays Redis.
    async fn connected() -> (LookUpConnection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (LookUpConnection::over(stream), listener.accept().await.unwrap().0)
    }

    fn texts(answers: &RawAnswers) -> Vec<&[u8]> {
        (0..answers.len()).map(|at| answers.get(at)).collect()
    }

    #[tokio::test]
    async fn answers_are_told_apart_however_they_come() {
        let all = ANSWERS.concat();
        for piece in [1, 3, all.len()] {
            let (connection, mut redis) = connected().await;
            let first = connection.ask(b"abc".to_vec(), 3);
            let second = connection.ask(b"d".to_vec(), 1);
            let answering = async {
                let mut asked = [0; 4];
                redis.read_exact(&mut asked).await.unwrap();
                assert_eq!(&asked, b"abcd");
                for bytes in all.chunks(piece) {
                    redis.write_all(bytes).await.unwrap();
                    redis.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let (first, second, ()) = tokio::join!(first, second, answering);
            assert_eq!(texts(&first.unwrap()), ANSWERS[..3]);
            assert_eq!(texts(&second.unwrap()), ANSWERS[3..]);
        }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_others_their_answers() {
        let (connection, mut redis) = connected().await;
        let impatient = connection.ask(b"a".to_vec(), 1);
        assert!(timeout(Duration::from_millis(10), impatient).await.is_err());
        let patient = connection.ask(b"b".to_vec(), 1);
        let answering = async {
            sleep(Duration::from_millis(10)).await;
            redis.write_all(b":1\r\n:2\r\n").await.unwrap();
        };
        let (patient, ()) = tokio::join!(patient, answering);
        assert_eq!(texts(&patient.unwrap()), [b":2\r\n"]);
    }

    #[tokio::test]
    async fn a_connection_that_ends_says_so_to_everyone() {
        for last_words in [&b""[..], b"*2\r\n$1", b"!no redis\r\n", b":1\r\n:2\r\n"] {
            let (connection, mut redis) = connected().await;
            let (one, other) = (connection.ask(b"a".to_vec(), 3), connection.ask(b"b".to_vec(), 1));
            let ending = async move {
                redis.write_all(last_words).await.unwrap();
                sleep(Duration::from_millis(10)).await;
            };
            let (one, other, ()) = tokio::join!(one, other, ending);
            assert_eq!(one.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(other.unwrap_err().kind(), ErrorKind::BrokenPipe);
            let later = connection.ask(b"c".to_vec(), 1).await;
            assert_eq!(later.unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
    }

    #[tokio::test]
    async fn what_nobody_asked_for_ends_the_connection() {
        let (connection, mut redis) = connected().await;
        redis.write_all(b":1\r\n").await.unwrap();
        // It is closed from the other side.
        assert_eq!(redis.read(&mut [0]).await.unwrap(), 0);
        let asked = connection.ask(b"a".to_vec(), 1).await;
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
