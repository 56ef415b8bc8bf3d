#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason="scratch")]
use std::io::Read; use pgvigil::{rules::*,compile::QuerySource,policy,audit_log::prefix::LogLinePrefix};
fn main(){
 let l=policy::load(std::path::Path::new(".")).unwrap();
 for d in l.diagnostics.iter(){ println!("{:?} {}",d.code,d.message);}
 let env=l.policy.environment("local").unwrap();
 let verbose=std::env::args().nth(1);
 let mut names:Vec<_>=std::fs::read_dir("tests/recordings").unwrap().map(|e|e.unwrap().file_name().into_string().unwrap()).filter(|n|n.ends_with(".labels.tsv")).collect(); names.sort();
 let mut tot=(0,0,0,0);
 for n in names{ let b=n.trim_end_matches(".labels.tsv");
  let mut t=Vec::new();
  if let Ok(f)=std::fs::File::open(format!("tests/recordings/{b}.log.gz")){flate2::read::MultiGzDecoder::new(f).read_to_end(&mut t).unwrap();}else{t=std::fs::read(format!("tests/recordings/{b}.log")).unwrap();}
  let pre=if b.ends_with("long"){LogLinePrefix::Long}else{LogLinePrefix::Short};
  let mut src=QuerySource::of(&l.policy,env); src.prefix=pre;
  let q=src.alarm("x"); if names_len()==0{println!("{}",q.length());}
  let ev=Evaluator::of(&src).unwrap(); let mut sc=ev.scratch();
  // entries
  let mut entries:Vec<(usize,Vec<u8>)>=vec![]; 
  for (i,line) in t.split(|b|*b==b'\n').enumerate(){ if line.first()==Some(&b'\t') && !entries.is_empty(){let e=entries.last_mut().unwrap(); e.1.push(b'\n'); e.1.extend(line);} else if !line.is_empty(){entries.push((i+1,line.to_vec()));} else if let Some(e)=entries.last_mut(){e.1.push(b'\n');} }
  let labs=std::fs::read_to_string(format!("tests/recordings/{n}")).unwrap();
  let (mut h,mut hm,mut nz,mut nf)=(0,0,0,0);
  for lab in labs.lines().skip(1){ let f:Vec<&str>=lab.split('\t').collect(); let(a,z):(usize,usize)=(f[0].parse().unwrap(),f[1].parse().unwrap());
   let es:Vec<_>=entries.iter().filter(|e|e.0>=a&&e.0<=z).collect();
   if f[2]=="human"{h+=1; if !es.iter().any(|e|ev.verdict(&mut sc,&e.1)==Verdict::Counted){hm+=1; println!("MISSED {b} {a}: {}",f.get(3).unwrap_or(&"")); if verbose.is_some(){for e in &es{println!("   {:?} {}",ev.verdict(&mut sc,&e.1),String::from_utf8_lossy(&e.1).chars().take(400).collect::<String>());}}}}
   if f[2]=="noise"{for e in es{ if !e.1.windows(7).any(|w|w==b"AUDIT: "){continue;} nz+=1; if ev.verdict(&mut sc,&e.1)==Verdict::Counted{nf+=1; if verbose.as_deref()==Some("n")&&!b.contains("off"){if b.starts_with("sqlal")&&verbose.as_deref()==Some("n"){ let e2=&e.1; let mut last=0; for k in 150..e2.len(){ let mut t=e2[..k].to_vec(); t.extend(b"\",<not logged>"); if ev.field(&mut sc,&t,"pgCalls").is_some(){last=k;} } println!("BIS {}",String::from_utf8_lossy(&e2[last.saturating_sub(80)..(last+60).min(e2.len())]).replace("\n"," ")); }
 println!("NOISE {b} {}: @@{}@@ {}",e.0,why(&e.1,&l.policy),String::from_utf8_lossy(&e.1).chars().skip(40).take(1200).collect::<String>());}}}}
  }
  println!("{b}: human {h} missed {hm}; noise {nz} counted {nf} q={}",q.length());
  if !b.contains("off"){tot.0+=h;tot.1+=hm;tot.2+=nz;tot.3+=nf;}
 }
 println!("TOTAL on: {tot:?}");
}
fn names_len()->usize{1}

fn why(e:&[u8],p:&pgvigil::policy::Policy)->String{ 
 let f=p.exclusions.iter().find_map(|x|x.matcher.statement.as_ref().and_then(|s|s.only_calls.clone())).unwrap();
 if let pgvigil::audit_log::EntryKind::Audit{record,..}=pgvigil::audit_log::judge_entry(e,if e.get(19)==Some(&b'.'){LogLinePrefix::Long}else{LogLinePrefix::Short}){ let Some(t)=record.statement.decoded() else{return "no text".into()};
  if pgvigil::rules::reference::only_calls(&t,&f){return "calls fine".into()}
  let at=pgvigil::rules::reference::stops_at(&t,&f).unwrap(); return String::from_utf8_lossy(&t[at.saturating_sub(60)..(at+30).min(t.len())]).replace("\n"," "); }
 "?".into() }
