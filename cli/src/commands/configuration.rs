//! `fs configuration`: every setting and where it came from.

use larder_core::Result;

use crate::output::{self, OutputFormat, Table};
use crate::report;
use crate::repository::Repository;

pub(crate) fn run(repository: &Repository, format: OutputFormat) -> Result<()> {
    let config = repository.config()?;
    for warning in &config.warnings {
        report::warning(warning);
    }
    let mut table = Table::new(["SETTING", "VALUE", "ORIGIN"]);
    for setting in config.settings() {
        let origin = setting.origin.to_string();
        table.push([setting.key.clone().into(), setting.value.clone().into(), origin.into()]);
    }
    output::table(&table, format)
}
