"""node-postgres, postgres.js, Knex, Sequelize and TypeORM."""

from recorder import CACHE, HERE

ELSEWHERE = ((True, "short"),)


def record(run):
    modules = CACHE / "node" / "node_modules"
    run.drive(["node", str(HERE / "other" / "client.js")], run.environment(NODE_PATH=str(modules)))
