//! The command `bouton`: data on stdout, talk on stderr; exit 0 when all is well, 1 when something is wrong with the
//! input or a check fails, 2 when the command line cannot be understood.

mod catalogue;
mod claims;
mod compare;
mod measure;
mod model_file;
mod output;
mod run;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// How neurons talk to each other, from the calcium channel to the circuit.
#[derive(Parser)]
#[command(name = "bouton", version, max_term_width = 100)]
struct Cli {
    /// A folder of catalogue entries laid over the built-in ones.
    #[arg(long, global = true, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say everything that is wrong with a model file, all at once.
    Check {
        /// Model files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Diagnostics as JSON on stdout, for editors.
        #[arg(long)]
        json: bool,
    },
    /// Print every resolved value with its unit, its source and what temperature did to it.
    Explain {
        /// A model file.
        file: PathBuf,
        /// One of the file's conditions instead of the file as it stands.
        #[arg(long)]
        condition: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run a model and leave a folder of results: recordings, numbers, and a report.
    Run(run::Run),
    /// Run a model at several levels of detail, and say how far they agree.
    Compare(compare::Compare),
    /// Run the experiments that show what an article on the synapse says, each with a control that must fail.
    Claims(claims::Claims),
    /// Measure a cell as with a pipette: rest, resistance, time constant, firing, impedance; a table and a page.
    Measure(measure::Measure),
    /// Print the JSON Schema of a model file or of a kind of catalogue entry, or the reference page.
    Schema {
        /// A kind of entry (receptor, sensor, channel ...), or claim, instead of a model file.
        #[arg(long, value_name = "KIND")]
        of: Option<String>,
        /// JSON Schema, or the reference page in Markdown.
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// List, show and check what the catalogue holds.
    Catalogue {
        #[command(subcommand)]
        command: catalogue::Command,
    },
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Markdown,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut catalogue = model::catalogue::Catalogue::embedded();
    if let Some(folder) = &cli.catalogue
        && let Err(faults) = catalogue.overlay(folder)
    {
        return output::faults(&faults, &model::diagnostic::Sources::default());
    }
    match cli.command {
        Command::Check { files, json } => model_file::check(&files, json, &catalogue),
        Command::Explain { file, condition, json } => {
            model_file::explain(&file, condition.as_deref(), json, &catalogue)
        }
        Command::Run(options) => run::run(&options, cli.catalogue.as_deref(), &catalogue),
        Command::Compare(options) => compare::run(&options, &catalogue),
        Command::Claims(options) => claims::run(&options, &catalogue),
        Command::Measure(options) => measure::run(&options, &catalogue),
        Command::Schema { of, format } => model_file::schema(of.as_deref(), matches!(format, Format::Markdown)),
        Command::Catalogue { command } => catalogue::run(command, &catalogue),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "bouton", &mut text);
            output::data(&String::from_utf8_lossy(&text));
            ExitCode::SUCCESS
        }
    }
}
