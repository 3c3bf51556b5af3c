//! The examples of the manual of the YAML form, applied by the program.

mod program;

use program::{Folder, workspace};

#[test]
fn the_examples_of_the_page_can_be_applied() {
    let page = std::fs::read_to_string(workspace().join("docs/yaml-definitions.md"));
    let page = page.expect("the page");
    let folder = Folder::empty();
    folder.write("feature_store.yaml", "project: shop\nregistry: data/registry.db\n");
    for (number, rest) in page.split("```yaml\n").skip(1).enumerate() {
        let example = rest.split("```").next().expect("an example ends");
        folder.write(&format!("{number:02}.yaml"), example);
    }
    let applied = folder.stdout(&["apply"]);
    assert!(applied.contains("Created stream feature view user_clicks"), "{applied}");
    let again = folder.stdout(&["apply"]);
    assert!(again.contains("No changes to registry"), "{again}");
}
