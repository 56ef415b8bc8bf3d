#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::print_stdout, reason="scratch")]
fn main(){ let l=pgvigil::policy::load(std::path::Path::new(".")).unwrap(); let env=l.policy.environment("local").unwrap();
 for p in [pgvigil::audit_log::prefix::LogLinePrefix::Short,pgvigil::audit_log::prefix::LogLinePrefix::Long]{ let mut s=pgvigil::compile::QuerySource::of(&l.policy,env); s.prefix=p;
  for q in [s.alarm("h"),s.investigate("h"),s.table("h")] { let parsed=pgvigil::insights::parse(&q.text).unwrap(); println!("--- {} {}",q.length(), parsed.to_string()==q.text); for f in pgvigil::insights::open_questions(&parsed){ println!("{} :: {:?} :: {}",f.message,f.help,&q.text[f.span.clone()].chars().take(70).collect::<String>()); } } } }
