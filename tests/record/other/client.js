// node-postgres, its cursor and copy streams, postgres.js, Knex, Sequelize, TypeORM. Says each step and waits before it takes it.
'use strict';
const readline = require('node:readline');
const { pipeline } = require('node:stream/promises');
const { Readable, Writable } = require('node:stream');

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function step(label, note, work) {
  process.stdout.write(`@step ${label}\t${JSON.stringify(note)}\n`);
  await lines.next();
  return work();
}
const at = { host: process.env.PGHOST, port: Number(process.env.PGPORT), database: 'shop', user: 'alice' };
const url = `postgres://alice@${at.host}:${at.port}/shop`;
const sink = () => new Writable({ write: (chunk, encoding, done) => done() });

async function pg() {
  const { Client, Pool } = require('pg');
  const Cursor = require('pg-cursor');
  const copy = require('pg-copy-streams');
  const db = new Client({ ...at, application_name: 'node' });
  await step('noise', 'pg connects', () => db.connect());
  for (const [sql, values] of [
    ['select * from customers', undefined],
    ['select * from orders where id = $1', [3]],
    ['insert into scratch values (1); select version(); delete from scratch', undefined],
    ['update products set title = $1 where sku = $2', ['pg_catalog.pg_class, "x"\nline', 'sku-1']],
    ['select 1 from "pg_catalog.pg_class"', undefined],
  ]) {
    await step('human', `pg: ${sql}`, () => db.query(sql, values));
  }
  await step('human', 'pg: named prepared select', async () => {
    for (const n of [1, 2, 3]) await db.query({ name: 'SELECT 1', text: 'select name from customers where id = $1', values: [n] });
  });
  await step('human', 'pg-cursor: select * from orders', async () => {
    const cursor = db.query(new Cursor('select * from orders where id > $1', [1]));
    while ((await cursor.read(50)).length);
    await cursor.close();
  });
  await step('human', 'pg-copy-streams: copy customers to stdout', () => pipeline(db.query(copy.to('copy customers to stdout')), sink()));
  await step('human', 'pg-copy-streams: copy scratch from stdin', () => pipeline(Readable.from(['1\n', '2\n']), db.query(copy.from('copy scratch from stdin'))));
  await step('noise', 'pg ends', () => db.end());
  const pool = new Pool({ ...at, user: 'bob', max: 2 });
  await step('noise', "pg's pool connects", async () => (await pool.connect()).release());
  await step('human', "pg's pool: select count(*) from orders", () => pool.query('select count(*) from orders'));
  await step('noise', "pg's pool ends", () => pool.end());
}

async function postgresJs() {
  const sql = require('postgres')(url, { max: 1 });
  await step('noise', 'postgres.js connects and asks for the array types', () => sql`select 1`);
  await step('human', 'postgres.js: select * from customers', () => sql`select * from customers where id = ${3}`);
  await step('human', 'postgres.js: insert through a helper', () => sql`insert into scratch ${sql([{ n: 1 }, { n: 2 }])}`);
  await step('human', 'postgres.js: transaction', () => sql.begin((t) => t`delete from scratch`));
  await step('human', 'postgres.js: cursor', () => sql`select * from orders`.cursor(20, () => {}));
  await step('human', 'postgres.js: simple', () => sql`select version(); delete from scratch; select 1`.simple());
  await step('noise', 'postgres.js ends', () => sql.end());
}

async function knex() {
  const db = require('knex')({ client: 'pg', connection: at, pool: { min: 0, max: 2 } });
  await step('noise', 'knex connects', () => db.raw('SELECT 1'));
  await step('noise', 'knex: hasTable, hasColumn, columnInfo', async () => {
    await db.schema.hasTable('orders');
    await db.schema.hasColumn('orders', 'total');
    await db('orders').columnInfo();
    await db.migrate.status().catch(() => {});
  });
  await step('human', 'knex: select with a join', () => db('customers').join('orders', 'orders.customer_id', 'customers.id').select('customers.name').limit(3));
  await step('human', 'knex: insert returning', () => db('customers').insert({ name: 'knex' }).returning('id'));
  await step('human', 'knex: update in a transaction', () => db.transaction((t) => t('products').where({ sku: 'sku-7' }).update({ stock: 2 })));
  await step('human', 'knex: truncate', () => db('scratch').truncate());
  await step('human', 'knex: batchInsert', () => db.batchInsert('scratch', [{ n: 1 }, { n: 2 }], 1));
  await step('noise', 'knex ends', () => db.destroy());
}

async function sequelize() {
  const { Sequelize, DataTypes, QueryTypes } = require('sequelize');
  const db = new Sequelize(url, { logging: false, pool: { max: 1 } });
  await step('noise', 'sequelize connects and authenticates', () => db.authenticate());
  const plan = db.getQueryInterface();
  await step('noise', 'sequelize: introspection', async () => {
    await plan.showAllSchemas();
    await plan.showAllTables();
    await plan.describeTable('orders');
    await plan.showIndex('orders');
    await plan.getForeignKeyReferencesForTable('orders');
    await plan.tableExists('orders');
    await db.databaseVersion();
  });
  const Customer = db.define('customer', { name: DataTypes.TEXT, email: DataTypes.TEXT }, { tableName: 'customers', timestamps: false });
  await step('human', 'sequelize: findAll', () => Customer.findAll({ where: { id: [1, 2] } }));
  await step('human', 'sequelize: create', () => Customer.create({ name: 'sequelize' }));
  await step('human', 'sequelize: findOrCreate (a function of its own in pg_temp)', () => Customer.findOrCreate({ where: { name: 'maybe' } }));
  await step('human', 'sequelize: transaction', () => db.transaction((transaction) => Customer.update({ name: 'b' }, { where: { id: 5 }, transaction })));
  await step('human', 'sequelize: raw', () => db.query('select * from orders limit 1', { type: QueryTypes.SELECT }));
  await step('aside', 'sequelize: sync', () => db.define('made', { a: DataTypes.ENUM('x', 'y') }).sync({ alter: true }));
  await step('noise', 'sequelize ends', () => db.close());
}

async function typeorm() {
  require('reflect-metadata');
  const { DataSource, EntitySchema } = require('typeorm');
  const Product = new EntitySchema({ name: 'product', tableName: 'products', columns: { sku: { type: 'text', primary: true }, title: { type: 'text', nullable: true }, stock: { type: 'int', nullable: true } } });
  const db = new DataSource({ type: 'postgres', url, entities: [Product], logging: false, installExtensions: false });
  await step('noise', 'typeorm connects', () => db.initialize());
  await step('noise', 'typeorm: introspection', async () => {
    const runner = db.createQueryRunner();
    await runner.getTables(['public.orders', 'public.customers']);
    await runner.getViews([]);
    await runner.getSchemas();
    await runner.getDatabases();
    await runner.hasTable('orders');
    await runner.release();
  });
  await step('noise', 'typeorm: schema difference', () => db.driver.createSchemaBuilder().log());
  const products = db.getRepository('product');
  await step('human', 'typeorm: find', () => products.find({ take: 2 }));
  await step('human', 'typeorm: save', () => products.save({ sku: 'typeorm', title: 'information_schema' }));
  await step('human', 'typeorm: query builder delete', () => products.createQueryBuilder().delete().where('sku = :s', { s: 'typeorm' }).execute());
  await step('noise', 'typeorm ends', () => db.destroy());
}

(async () => {
  for (const part of [pg, postgresJs, knex, sequelize, typeorm]) await part();
  process.exit(0);
})().catch((wrong) => {
  console.error(wrong);
  process.exit(1);
});
