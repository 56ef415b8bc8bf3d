require 'json'
require 'pg'
$stdout.sync = true
def step(label, note)
  puts "@step #{label}\t#{note.to_json}"
  $stdin.gets
  yield
end
db = nil
step('noise', 'ruby-pg connects') { db = PG.connect }
step('noise', 'type map of the catalog') { PG::BasicTypeMapForResults.new(db); PG::BasicTypeMapForQueries.new(db) }
step('human', 'exec_params select') { db.exec_params('select * from customers where id = $1', [3]) }
step('human', 'prepared update') { db.prepare('u', 'update products set stock = $1'); db.exec_prepared('u', [3]) }
step('human', 'copy_data out') { db.copy_data('copy orders to stdout') { nil while db.get_copy_data } }
step('human', 'pipeline') { db.enter_pipeline_mode; db.send_query_params('select version()', []); db.send_query_params('delete from scratch', []); db.pipeline_sync; 6.times { db.get_result }; db.exit_pipeline_mode rescue nil }
step('noise', 'close') { db.close }
