use std::sync::Arc;

use larder_core::{Field, Value, ValueType};
use object_store::memory::InMemory;

use super::*;
use crate::aggregate::bytes::put_scalar;
use crate::scalar::Scalar;

fn view() -> FeatureView {
    let mut view = FeatureView::new("clicks");
    view.entity_columns = vec![Field::new("user", ValueType::String)];
    view.features = vec![Field::new("count", ValueType::Int64)];
    view
}

fn log(store: &CheckpointStore, is_shared: bool) -> LogFiles {
    let view = view();
    let (key, values) = (view.entity_columns.clone(), view.features.clone());
    let row = RowSchema { key, values, is_timed: true, result: "event_timestamp" };
    LogFiles::new((store.clone(), "log"), is_shared, &view, &row)
}

fn row(time: i64) -> OutputRow {
    let mut key = Vec::new();
    put_scalar(Scalar::Text("u1"), &mut key);
    let values = vec![Value::Int64(time)];
    OutputRow { key, result: time, time, values, change: Change::Insert }
}

async fn names(store: &CheckpointStore, folder: &str) -> Vec<String> {
    let listed = store.list(folder).await.unwrap();
    listed.into_iter().map(|(name, _)| name).collect()
}

/// Writes a row and flushes it for a commit of this number; answers the mark.
async fn flushed(log: &mut LogFiles, checkpoint: u64) -> Vec<u8> {
    log.write(&[row(5)]).await.unwrap();
    log.flush(Covered { checkpoint, offsets: (0, 9) }).await.unwrap()
}

#[tokio::test]
async fn a_file_is_seen_when_its_commit_is_true_whoever_finds_that_out() {
    for is_shared in [false, true] {
        let store = CheckpointStore::new(Arc::new(InMemory::new()), "job");
        let mut first = log(&store, is_shared);
        first.restore(None).await.unwrap();
        let mark = flushed(&mut first, 3).await;
        assert_eq!(names(&store, "log").await, Vec::<String>::new());
        // It died before it knew that the commit was true.
        drop(first);
        let mut second = log(&store, is_shared);
        second.restore(Some(&mark)).await.unwrap();
        second.adopt(&mark).await.unwrap();
        second.adopt(&mark).await.unwrap();
        assert_eq!(names(&store, "log").await.len(), 1);
        assert_eq!(names(&store, "log.pending").await, Vec::<String>::new());
        let later = flushed(&mut second, 4).await;
        second.committed().await.unwrap();
        assert_eq!(names(&store, "log").await.len(), 2);
        assert!(read(&later).unwrap().1 > read(&mark).unwrap().1, "a later version is later");
    }
}

#[tokio::test]
async fn what_no_commit_covers_is_never_seen() {
    for is_shared in [false, true] {
        let store = CheckpointStore::new(Arc::new(InMemory::new()), "job");
        let mut first = log(&store, is_shared);
        first.restore(None).await.unwrap();
        let mark = flushed(&mut first, 3).await;
        first.committed().await.unwrap();
        flushed(&mut first, 4).await;
        drop(first);
        let mut second = log(&store, is_shared);
        second.restore(Some(&mark)).await.unwrap();
        second.adopt(&mark).await.unwrap();
        flushed(&mut second, 5).await;
        second.committed().await.unwrap();
        let names = names(&store, "log").await;
        let checkpoints: Vec<_> = names.iter().map(|name| of_checkpoint(name)).collect();
        assert_eq!(checkpoints, [Some(3), Some(5)]);
    }
}
