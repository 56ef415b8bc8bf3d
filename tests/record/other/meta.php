<?php
function step($label, $note, $work) { echo "@step $label\t" . json_encode($note) . "\n"; fgets(STDIN); $work(); }
$db = null;
step('noise', 'PDO connects', function () use (&$db) { $db = new PDO('pgsql:', null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]); });
step('human', 'select * from customers where id = ?', function () use (&$db) { $s = $db->prepare('select * from customers where id = ?'); $s->execute([3]); $s->fetchAll(); });
step('human', 'column metadata of select id, name from customers', function () use (&$db) { $s = $db->query('select id, home, name from customers limit 1'); for ($n = 0; $n < 3; $n++) { $s->getColumnMeta($n); } });
step('human', 'emulated: delete from scratch where n = ?', function () use (&$db) { $db->setAttribute(PDO::ATTR_EMULATE_PREPARES, true); $s = $db->prepare('delete from scratch where n = ?'); $s->execute([3]); $db->setAttribute(PDO::ATTR_EMULATE_PREPARES, false); });
step('human', 'pgsqlCopyToArray customers', function () use (&$db) { $db->pgsqlCopyToArray('customers'); });
step('human', 'pgsqlCopyFromArray scratch', function () use (&$db) { $db->pgsqlCopyFromArray('scratch', ['1', '2']); });
step('human', 'insert, then lastInsertId', function () use (&$db) { $db->exec("insert into orders (customer_id) values (1)"); $db->lastInsertId(); });
step('human', 'insert in a transaction', function () use (&$db) { $db->beginTransaction(); $db->exec("insert into scratch values (1)"); $db->commit(); });
step('noise', 'PDO attributes, close', function () use (&$db) { $db->getAttribute(PDO::ATTR_SERVER_INFO); $db->getAttribute(PDO::ATTR_CONNECTION_STATUS); $db = null; });
$c = null;
step('noise', 'pg_connect', function () use (&$c) { $c = pg_connect(''); });
step('noise', 'pg_meta_data', function () use (&$c) { pg_meta_data($c, 'orders', true); });
step('noise', 'pg_ping', function () use (&$c) { pg_ping($c); });
step('human', 'pg_insert into scratch (asks for its columns first)', function () use (&$c) { pg_insert($c, 'scratch', ['n' => 4]); });
step('human', 'pg_select from customers', function () use (&$c) { pg_select($c, 'customers', ['id' => 3]); });
step('human', 'pg_update products', function () use (&$c) { pg_update($c, 'products', ['stock' => 3], ['sku' => 'sku-3']); });
step('human', 'pg_delete from scratch', function () use (&$c) { pg_delete($c, 'scratch', ['n' => 4]); });
step('human', 'pg_copy_to customers', function () use (&$c) { pg_copy_to($c, 'customers'); });
step('human', 'pg_field_table of a result', function () use (&$c) { $r = pg_query($c, 'select home from customers limit 1'); pg_field_table($r, 0); pg_field_type($r, 0); });
step('noise', 'pg_close', function () use (&$c) { pg_close($c); });
