import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** A folder that is gone after the test. */
export function temporaryFolder() {
    const dir = mkdtempSync(join(tmpdir(), 'setup-test-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/** A program that says what a nats-server of that version says, and is none. */
export function fakeServer(path: string, version: string) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
    chmodSync(path, 0o755);
    return path;
}

/** Listens on a free port of this machine only, and gives it. */
export async function listen(server: http.Server) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
}

/** Keeps what the code under test tells the user out of the test's own output. */
export function silence() {
    const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => spy.mockRestore());
}
