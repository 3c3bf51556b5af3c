//! The evaluator against `CPython`, and against hostile programs.

use std::collections::BTreeMap;
use std::rc::Rc;

use larder_core::ErrorKind;

use super::exception::{Exception, Outcome, Stop};
use super::function::Function;
use super::interpreter::{Interpreter, Library, LibraryName, Limits};
use super::module::Modules;
use super::repr::repr;
use super::value::{PendingDecorator, Value};
use crate::python::source::{MemoryFiles, SourceFiles as _};

/// No library: plain Python.
struct Nothing;

impl Library for Nothing {
    fn attribute(&self, _: &str, _: &str) -> Option<LibraryName> {
        None
    }

    fn has_module(&self, _: &str) -> bool {
        false
    }

    fn names(&self, _: &str) -> Vec<&'static str> {
        Vec::new()
    }

    fn decorate(
        &self,
        _: &mut Interpreter<'_>,
        _: &PendingDecorator,
        _: &Rc<Function>,
    ) -> Outcome<Value> {
        Err(Exception::raise("TypeError", "no decorators"))
    }
}

/// `repr` of the variable `result` after the program ran as module `m`.
fn run(program: &str, limits: Limits) -> Outcome<String> {
    run_in(MemoryFiles::new("/repo"), program, limits)
}

/// The same among other files.
fn run_in(files: MemoryFiles, program: &str, limits: Limits) -> Outcome<String> {
    let files = files.with("m.py", program);
    let environment = BTreeMap::from([("STAGE".to_owned(), "test".to_owned())]);
    let modules = Modules::of(&files.list().expect("in memory"));
    let mut interpreter = Interpreter::new(&files, &environment, &Nothing, limits, modules)?;
    let outcome = interpreter.import_module("m").and_then(|module| match module {
        Value::Module(module) => {
            let scope = module.scope.as_ref().expect("a module of the repository");
            repr(&mut interpreter, &scope.get("result").unwrap_or(Value::None))
        }
        _ => Ok("no module".to_owned()),
    });
    interpreter.modules.clear();
    outcome
}

#[test]
fn programs_give_what_cpython_gives() {
    let vectors =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/registry/python/evaluation.json");
    let text = std::fs::read_to_string(vectors).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 100);
    let mut wrong = Vec::new();
    for case in &cases {
        let program = case["program"].as_str().unwrap();
        let given = match run(program, Limits::default()) {
            Ok(text) => text,
            Err(stop) => match stop.exception() {
                Some(exception) => format!("raises {}", exception.class),
                None => format!("ended: {}", stop.into_error()),
            },
        };
        let wanted = match case["raises"].as_str() {
            // Python's own class for it is a ValueError too.
            Some("JSONDecodeError") => "raises ValueError".to_owned(),
            Some(class) => format!("raises {class}"),
            None => case["result"].as_str().unwrap().to_owned(),
        };
        if given != wanted {
            wrong.push(format!("{program}\n  wanted {wanted}\n  given  {given}"));
        }
    }
    assert!(wrong.is_empty(), "{} programs differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn environment_variables_come_from_the_caller() {
    let table = [
        ("import os\nresult = os.environ['STAGE'], os.getenv('STAGE')", "('test', 'test')"),
        ("import os\nresult = os.environ.get('NONE', 'x'), os.getenv('NONE')", "('x', None)"),
        (
            "from os import environ, getenv\nresult = 'STAGE' in environ, 'NO' in environ",
            "(True, False)",
        ),
        (
            "import os\nresult = os.path.abspath('d'), os.getcwd(), __file__",
            "('/repo/d', '/repo', '/repo/m.py')",
        ),
        (
            "from pathlib import Path\nresult = str(Path(__file__).parent), str(Path('d').resolve())",
            "('/repo', '/repo/d')",
        ),
        ("import os\nos.makedirs('d', exist_ok=True)\nresult = 1", "1"),
    ];
    for (program, wanted) in table {
        assert_eq!(run(program, Limits::default()).unwrap(), wanted, "{program}");
    }
    let missing = run("import os\nresult = os.environ['NONE']", Limits::default()).unwrap_err();
    assert_eq!(missing.into_error().kind(), ErrorKind::Invalid);
}

#[test]
fn text_files_of_the_repository_may_be_read() {
    let files = MemoryFiles::new("/repo")
        .with("config.yaml", "project: shop\nwindows: [1, 24]\n")
        .with("data/list.json", "{\"a\": [1.5, null]}")
        .with("big.txt", "x".repeat(2 << 20));
    let table = [
        ("import yaml\nresult = yaml.safe_load(open('config.yaml'))['project']", Ok("'shop'")),
        (
            "import yaml\nwith open('config.yaml') as f:\n    result = yaml.safe_load(f)",
            Ok("{'project': 'shop', 'windows': [1, 24]}"),
        ),
        (
            "import json\nfrom pathlib import Path\nresult = json.load((Path(__file__).parent / 'data' / 'list.json').open())",
            Ok("{'a': [1.5, None]}"),
        ),
        ("from pathlib import Path\nresult = len(Path('config.yaml').read_text())", Ok("31")),
        (
            "result = [line.strip() for line in open('config.yaml')]",
            Ok("['project: shop', 'windows: [1, 24]']"),
        ),
        ("import os\nresult = os.path.exists('config.yaml')", Ok("True")),
        ("try:\n    open('nothing')\nexcept FileNotFoundError:\n    result = 0", Ok("0")),
        ("open('nothing')", Err(ErrorKind::NotFound)),
        ("open('../secret')", Err(ErrorKind::Unsupported)),
        ("open('data/../../secret')", Err(ErrorKind::Unsupported)),
        ("open('big.txt')", Err(ErrorKind::Unsupported)),
    ];
    for (program, wanted) in table {
        let given = run_in(files.clone(), program, Limits::default());
        let given = given.map_err(|stop| stop.into_error().kind());
        assert_eq!(given.as_deref(), wanted.as_ref().map(|text| *text), "{program}");
    }
}

#[test]
fn what_needs_python_is_refused_with_its_place_and_a_hint() {
    let table = [
        ("import pandas as pd\nx = pd.DataFrame()", 2, 5),
        ("from sklearn.base import X\ny = [1]\nX()", 3, 1),
        ("x = 1\nwith open('/etc/passwd') as f:\n    pass", 2, 6),
        ("open('m.py', 'w')", 1, 1),
        ("x = []\nwith x as f:\n    pass", 2, 6),
        ("async def f(): pass\nf()", 2, 1),
        ("def f():\n    yield 1\nlist(f())", 2, 5),
        ("from datetime import datetime\n\nx = (1, datetime.now())", 3, 9),
        (
            "class A: pass\nclass B(A):\n    def f(self):\n        return super().f()\nB().f()",
            4,
            16,
        ),
        ("match 1:\n    case 1: pass", 1, 1),
        ("x = 1j", 1, 5),
        ("import os\nif os.path.exists('/etc/passwd'): pass", 2, 4),
        ("x = 2 ** 1000", 1, 5),
        ("x = 'é' + eval('y')", 1, 11),
    ];
    for (program, line, column) in table {
        let error = run(program, Limits::default()).unwrap_err().into_error();
        let location = error.location().unwrap_or_else(|| panic!("{program}: {error}"));
        assert_eq!((location.line, location.column), (line, column), "{program}: {error}");
        assert_eq!(location.file, "m.py", "{program}");
        assert!(error.hint().is_some(), "{program}: {error}");
    }
}

#[test]
fn python_errors_have_their_place() {
    let table = [
        ("x = [1,\n     1 / 0]", 2, 6),
        ("def f():\n    return {}['a']\n\nf()", 2, 12),
        ("x = (1,\n     nothing)", 2, 6),
        ("f = lambda a: a\nf(b=1)", 2, 1),
        ("a, b = (1,)", 1, 1),
        ("x = 5\nx.y = 1", 2, 1),
        ("raise ValueError('x')", 1, 1),
        ("from os.path import join\njoin(1)", 2, 1),
        ("x = (", 1, 6),
        ("def f(:\n  pass", 1, 7),
    ];
    for (program, line, column) in table {
        let error = run(program, Limits::default()).unwrap_err().into_error();
        let location = error.location().unwrap_or_else(|| panic!("{program}: {error}"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{program}: {error}");
        assert_eq!((location.line, location.column), (line, column), "{program}: {error}");
    }
}

#[test]
fn a_hostile_program_ends_with_an_error() {
    let deep = "(".repeat(50_000);
    let minus = format!("x = {}1", "-".repeat(200_000));
    let sum = format!("x = {}1", "1+".repeat(200_000));
    let nested_lists = format!("x = {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let blocks: String =
        (0..3_000).flat_map(|depth| [" ".repeat(depth), "if 1:\n".to_owned()]).collect();
    let programs = [
        "while True: pass",
        "def f(): return f()\nf()",
        "f = lambda: f()\nf()",
        "x = 'a'\nwhile True: x = x + x",
        "x = [0]\nwhile True: x += x",
        "x = [0] * 10 ** 12",
        "x = 'a' * 10 ** 15",
        "x = list(range(10 ** 15))",
        "x = sum(range(10 ** 12))",
        "x = []\nfor i in range(500): x = [x]\ny = str(x)",
        "x = []\nx.append(x)\ny = str(x)",
        "x = []\nx.append(x)\nz = []\nz.append(z)\ny = x == z",
        "x = (1,)\nfor i in range(60): x = (x, x)\ny = hash_me = {x}",
        "x = (1,)\nz = (1,)\nfor i in range(60):\n    x = (x, x)\n    z = (z, z)\ny = x == z",
        "x = 'a'\nfor i in range(60): x = f'{x}{x}'",
        "x = 'ab' * 1000\nfor i in range(60): x = x.replace('a', x)",
        "def f(n):\n    return [f(n - 1) for i in range(100)]\nf(50)",
        "x = {}\nfor i in range(10 ** 9): x[i] = i",
        "import itertools\nx = list(itertools.product(range(100), range(100), range(100), range(100)))",
        deep.as_str(),
        minus.as_str(),
        sum.as_str(),
        nested_lists.as_str(),
        blocks.as_str(),
    ];
    for program in programs {
        let shown = program.chars().take(60).collect::<String>();
        match run(program, Limits { steps: 300_000, ..Limits::default() }) {
            Ok(result) => panic!("{shown}: {result}"),
            Err(stop) => {
                assert!(stop.exception().is_none(), "{shown}: {stop:?}");
            }
        }
    }
}

#[test]
fn code_just_below_the_nesting_limit_runs_on_a_small_stack() {
    let deep = 380;
    let blocks: String = (0..deep)
        .flat_map(|depth| [" ".repeat(depth), "if 1:\n".to_owned()])
        .chain([" ".repeat(deep), "result = 1".to_owned()])
        .collect();
    let programs = [
        format!("x = {}1{}\nresult = 1", "[".repeat(deep), "]".repeat(deep)),
        format!("result = {}1", "-".repeat(deep)),
        format!("result = {}1 - {deep}", "1+".repeat(deep - 1)),
        format!("f = {}1\nresult = 1", "lambda: ".repeat(deep / 2)),
        format!("def f():\n    return {}1{}\nresult = 1", "[".repeat(deep), "]".repeat(deep)),
        format!("x = {{'a': 1}}\nresult = 1 or x{}", "['a']".repeat(deep / 2)),
        blocks,
    ];
    for program in programs {
        let shown: String = program.chars().take(60).collect();
        let run = move || run(&program, Limits::default()).map_err(Stop::into_error);
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
        let result = thread.join().unwrap();
        assert!(matches!(result.as_deref(), Ok("0" | "1")), "{shown}: {result:?}");
    }
}

#[test]
fn a_structure_nested_a_million_deep_is_freed_without_overflowing_the_stack() {
    let programs = [
        "x = []\nfor i in range(200000): x = [x]",
        "x = ()\nfor i in range(200000): x = (x,)",
        "x = {}\nfor i in range(200000): x = {'k': x}",
        "f = None\nfor i in range(100000): f = lambda g=f: g",
        "class C: pass\nx = None\nfor i in range(100000):\n    c = C()\n    c.x = x\n    x = c",
    ];
    for program in programs {
        assert_eq!(run(program, Limits::default()).unwrap(), "None", "{program}");
    }
}

#[test]
fn a_file_larger_than_the_limit_is_not_parsed() {
    let garbage = "\u{1F980}(".repeat(2 << 20);
    let error = run(&garbage, Limits::default()).unwrap_err().into_error();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let noise: String = (0..60_000_u32).filter_map(|n| char::from_u32(n * 7919 % 0xd7ff)).collect();
    let error = run(&noise, Limits::default()).unwrap_err().into_error();
    assert!(error.location().is_some());
}

#[test]
fn exceptions_of_limits_cannot_be_caught() {
    let program = "try:\n    while True: pass\nexcept Exception:\n    result = 1";
    let stop = run(program, Limits { steps: 10_000, ..Limits::default() }).unwrap_err();
    assert!(stop.exception().is_none());
}
