//! Imports of the modules that a function may use.

use larder_core::Result;
use ruff_python_ast::{StmtImport, StmtImportFrom};
use ruff_text_size::TextRange;

use super::builtin::{module_constant, module_function};
use super::compiler::Compiler;
use super::time::TimeClass;
use super::value::{Module, Value};

impl Compiler<'_> {
    /// `import module`.
    pub(crate) fn import(&mut self, import: &StmtImport) -> Result<()> {
        for alias in &import.names {
            let module = self.imported(alias.name.as_str(), alias.range)?;
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.state.bind(name, Value::Module(module));
        }
        Ok(())
    }

    fn imported(&self, name: &str, at: TextRange) -> Result<Module> {
        Ok(match name {
            "math" => Module::Math,
            "numpy" => Module::Numpy,
            "pandas" => Module::Pandas,
            "datetime" => Module::Time(TimeClass::Module),
            "zoneinfo" | "pytz" => Module::Zones,
            "typing" | "__future__" => Module::Typing,
            other => {
                return Err(self.unsupported(
                    at,
                    format!("module {other}"),
                    "math, datetime, zoneinfo, numpy and pandas are known",
                ));
            }
        })
    }

    /// `from module import name`.
    pub(crate) fn import_from(&mut self, import: &StmtImportFrom) -> Result<()> {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        let module = self.imported(module, import.range)?;
        for alias in &import.names {
            let name = alias.name.as_str();
            let value = match module {
                Module::Typing => Value::Unusable("it is for annotations only".into()),
                module => module_constant(module, name)
                    .or_else(|| module_function(module, name).map(Value::Builtin))
                    .ok_or_else(|| {
                        self.unsupported(
                            alias.range,
                            format!("name {name} of its module"),
                            "see the list of known functions",
                        )
                    })?,
            };
            self.state.bind(alias.asname.as_ref().unwrap_or(&alias.name), value);
        }
        Ok(())
    }
}
