import Database from '@rocicorp/zero-sqlite3';

/*
 * A program that deletes all watermarks in a transaction that it never ends. As long as it runs, nobody else can write.
 */

process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
// Nobody is left to kill it.
process.on('disconnect', () => process.exit());

const database = new Database(process.argv[2] ?? '', { fileMustExist: true });
database.exec('BEGIN IMMEDIATE; DELETE FROM watermarks');
process.send?.('locked');
