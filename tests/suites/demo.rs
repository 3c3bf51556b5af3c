//! The command that the README begins with.

use larder_tests::Repository;

#[test]
fn the_demo_runs_the_whole_main_job_and_leaves_nothing_behind() {
    let elsewhere = Repository::empty();
    let outcome = elsewhere.fs().run(&["demo"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert_eq!(elsewhere.contents(), [], "the demo works in a folder of its own");
    for step in ["apply", "materialize", "serve", "interaction", "training"] {
        assert!(outcome.text().to_lowercase().contains(step), "no {step} in {}", outcome.text());
    }
}
