import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { format } from 'prettier';
import { describe, expect, test } from 'vitest';

import { openWatermarkStore } from '../../src/store.js';
import { startNatsServer } from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { blocksOf, ownDocuments, root, specification, specificationIsThere } from './documents.js';

/* What a user is shown besides TypeScript: commands, settings, manifests, files and links. */

const run = promisify(execFile);
const documents = [...(specificationIsThere() ? [specification] : []), ...ownDocuments()];
const blocks = documents.flatMap(blocksOf);

function blocksIn(language: string) {
    return blocks.filter(block => block.language === language);
}

test('every block is in a language that is tested here or says that it is plain text', () => {
    const tested = ['typescript', 'ts', 'bash', 'json', 'yaml', 'hcl', 'text'];
    expect(blocks.filter(({ language }) => !tested.includes(language))).toEqual([]);
});

describe.each(blocksIn('bash'))('$document, line $line: $name', ({ code }) => {
    test('is bash', async () => {
        await run('bash', ['-n', '-c', code]);
    });

    test('names scripts that exist', () => {
        const { scripts } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: object };
        const named = [...code.matchAll(/^npm (?:run ([\w:-]+)|(test))/gm)].map(match => match[1] ?? match[2]);
        expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
    });
});

test.each(blocksIn('yaml'))('$document, line $line: $name is YAML', async ({ code }) => {
    expect(await format(code, { parser: 'yaml' })).not.toBe('');
});

test.each(blocksIn('hcl'))('$document, line $line: $name is configuration of nats-server', async ({ code }) => {
    const folder = mkdtempSync(join(tmpdir(), 'zero-blocks-config-'));
    try {
        const file = join(folder, 'nats.conf');
        writeFileSync(file, code);
        const asked = code.match(/(?<=: \$)\w+/g) ?? [];
        const env = { ...process.env, ...Object.fromEntries(asked.map(name => [name, 'aPassword'])) };
        const { stdout, stderr } = await run(natsServers().newest.path, ['-t', '-c', file], { env });
        expect(stdout + stderr).toContain('is valid');
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});

const asksForPackages = ({ code }: { readonly code: string }) => code.includes('"@nats-io/');

test.each(blocksIn('json').filter(block => !asksForPackages(block)))(
    '$document, line $line: $name is JSON',
    ({ code }) => {
        expect(JSON.parse(code)).toBeTypeOf('object');
    }
);

test.each(blocksIn('json').filter(asksForPackages))(
    '$document, line $line: $name is what the package asks for',
    ({ code }) => {
        const path = resolve(root, 'packages/zero-watermark-nats-kv/package.json');
        const { peerDependencies: ours } = JSON.parse(readFileSync(path, 'utf8')) as { peerDependencies: object };
        const shown = JSON.parse(code) as Record<string, string>;
        expect(Object.keys(ours).toSorted()).toEqual(Object.keys(shown).toSorted());
        for (const [name, range] of Object.entries(ours) as [string, string][]) {
            expect(range.split(' || '), name).toContain(shown[name]);
        }
    }
);

describe('the bucket of the documents’ `nats kv add`', () => {
    const commands = blocksIn('bash')
        .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, '').split('\n'))
        .filter(line => line.startsWith('nats kv add '));

    test.each([...new Set(commands)])('%s', async command => {
        const option = (name: string) => Number(new RegExp(`--${name}=(\\d+)`).exec(command)?.[1] ?? 0);
        const known = /^nats kv add (?:zero-watermarks|rows)( --(replicas|ttl|max-value-size|history)=\d+)*\s*$/;
        expect(command.replaceAll(/\s+/g, ' ')).toMatch(known);

        await using server = await startNatsServer({ binary: natsServers().newest.path });
        const connection = await connect({ servers: server.url });
        await new Kvm(connection).create('zero-watermarks', {
            history: option('history') || 1,
            ttl: option('ttl'),
            max_bytes: -1,
            maxValueSize: option('max-value-size') || -1
        });
        const warnings: string[] = [];
        await using store = await openWatermarkStore({
            connection,
            bucket: 'zero-watermarks',
            bucketPolicy: 'require',
            history: option('history') || 1,
            logger: { warn: message => warnings.push(message), error: message => warnings.push(message) }
        });
        await store.watermarks.set('orders', 'v1');
        const entry = await (await new Kvm(connection).open('zero-watermarks')).get('orders');
        expect(entry?.json()).toEqual({ format: 1, version: 'v1' });
        expect(warnings).toEqual([]);
        await store.close();
        await connection.close();
    });
});

describe('deployment files', () => {
    const files = readdirSync(resolve(root, 'deploy'), { recursive: true, encoding: 'utf8' });

    test.each(files.filter(name => name.endsWith('.yaml')))('%s is YAML', async name => {
        expect(await format(readFileSync(resolve(root, 'deploy', name), 'utf8'), { parser: 'yaml' })).not.toBe('');
    });

    test.each(Object.values(natsServers()))('nats-server $version takes nats.conf', async ({ path }) => {
        const config = resolve(root, 'deploy/nats.conf');
        const routes = '[nats://route:aRoutePassword@nats-1:6222, nats://route:aRoutePassword@nats-2:6222]';
        const passwords = {
            NATS_PASSWORD: 'aPassword',
            NATS_ADMIN_PASSWORD: 'another',
            NATS_ROUTE_PASSWORD: 'aRoutePassword'
        };
        const env = { ...process.env, NATS_NODE: 'nats-1', NATS_ROUTES: routes, ...passwords };
        const { stdout, stderr } = await run(path, ['-t', '-c', config], { env });
        expect(stdout + stderr).toContain('is valid');
    });

    test('give the servers every variable that nats.conf asks for', () => {
        const asked = new Set(readFileSync(resolve(root, 'deploy/nats.conf'), 'utf8').match(/(?<=\$)NATS_\w+/g));
        for (const name of ['compose.yaml', 'swarm.yaml', 'kubernetes/nats.yaml']) {
            const text = readFileSync(resolve(root, 'deploy', name), 'utf8');
            expect(
                [...asked].filter(variable => !new RegExp(`\\b${variable}\\b`).test(text)),
                name
            ).toEqual([]);
        }
    });
});

describe('links', () => {
    test.each(ownDocuments().map(path => relative(root, path)))('%s points at what is there', name => {
        const path = resolve(root, name);
        const text = readFileSync(path, 'utf8');
        const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(match => match[1] ?? '');
        expect(targets.filter(target => !isThere(path, target))).toEqual([]);
    });
});

function isThere(from: string, target: string): boolean {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? from : resolve(dirname(from), file);
    if (!existsSync(path)) {
        return false;
    }
    return anchor === undefined || (statSync(path).isFile() && anchorsOf(path).includes(anchor));
}

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(path: string): string[] {
    const headings = readFileSync(path, 'utf8').match(/^#+ .+$/gm) ?? [];
    return headings.map(heading =>
        heading
            .replace(/^#+ /, '')
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
            .replaceAll(/\s/g, '-')
    );
}
