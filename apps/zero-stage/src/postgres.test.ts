import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { findPostgres } from './postgres.js';

let folder: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'find-postgres-'));
    vi.stubEnv('POSTGRES_BIN', undefined);
});

afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
});

test('a folder that is named is taken when all programs are in it', () => {
    for (const program of ['initdb', 'postgres', 'psql']) {
        expect(() => findPostgres(folder)).toThrow(`no programs initdb, postgres and psql in ${folder}`);
        writeFileSync(join(folder, program), '');
    }
    expect(findPostgres(folder)).toBe(folder);
    vi.stubEnv('POSTGRES_BIN', folder);
    expect(findPostgres()).toBe(folder);
});

test('a folder that is named and wrong is not replaced by another; the message says how to mend it', () => {
    vi.stubEnv('POSTGRES_BIN', folder);
    expect(() => findPostgres()).toThrow(/apt-get install postgresql.*brew install postgresql.*POSTGRES_BIN/);
});
