import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8');

/** The server configuration that docs/security.md gives to copy. */
export const documentedConfig = /```hcl\n([^]+?)```/.exec(page)?.[1] ?? '';

export const roles = ['reader', 'writer', 'administrator'] as const;
export type Role = (typeof roles)[number];

/** What a role may publish, according to that configuration. */
export function documentedSubjects(role: Role): string[] {
    const block = new RegExp(`user: ${role}\\b[^]+?publish: \\[([^]+?)\\]`).exec(documentedConfig)?.[1] ?? '';
    return [...block.matchAll(/"([^"]+)"/g)].map(([, subject = '']) => subject);
}

/** The rows of the first table below a heading of that page: what stands under each of its columns. */
function rowsBelow(heading: string): Readonly<Record<string, string>>[] {
    const lines = page.slice(page.indexOf(`\n${heading}\n`)).split('\n');
    const start = lines.findIndex(line => line.startsWith('|'));
    const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
    const cells = (line: string) =>
        line
            .split('|')
            .slice(1, -1)
            .map(cell => cell.trim());
    const columns = cells(lines[start] ?? '');
    return lines
        .slice(start + 2, end)
        .map(line => Object.fromEntries(cells(line).map((cell, index) => [columns[index] ?? '', cell])));
}

/** The subjects that a table of that page lists: all of them, or those for a column. */
export function subjectsInTable(heading: string, column?: string): string[] {
    return rowsBelow(heading)
        .filter(row => column === undefined || row[column] !== '')
        .map(row => Object.values(row)[0]?.replaceAll('`', '') ?? '');
}

/** The name of a role as tables have it. */
export function columnOf(role: Role): string {
    return `${role[0]?.toUpperCase()}${role.slice(1)}`;
}

/** What each role can do, according to that page: by call, such as `watermarks.get`. */
export function documentedCalls(): ReadonlyMap<string, ReadonlySet<Role>> {
    const calls = new Map<string, ReadonlySet<Role>>();
    for (const row of rowsBelow('## Permissions')) {
        const allowed = new Set(roles.filter(role => row[columnOf(role)] === 'yes'));
        const [first = '', ...others] = (row['Call'] ?? '').replaceAll('`', '').split(', ');
        const service = first.includes('.') ? first.slice(0, first.indexOf('.') + 1) : '';
        for (const call of [first, ...others.map(other => service + other)]) {
            calls.set(call, allowed);
        }
    }
    return calls;
}

/** Everything that a role may publish for the bucket and the shards, of which the page's table has the shard `orders`. */
export function subjectsOf(role: Role, shards: readonly string[]): string[] {
    const ofShard = subjectsInTable('### Resume tokens', columnOf(role));
    const ofShards = shards.flatMap(shard => ofShard.map(subject => subject.replaceAll('-orders', `-${shard}`)));
    return [...new Set([...subjectsInTable('### Watermarks', columnOf(role)), ...ofShards])];
}

/** A user in a server's configuration. */
export function userWith(name: string, publish: readonly string[], subscribe = '_INBOX.>'): string {
    const permissions = `{ publish: ${JSON.stringify(publish)}, subscribe: [${JSON.stringify(subscribe)}] }`;
    return `{ user: ${JSON.stringify(name)}, password: "a-password", permissions: ${permissions} }`;
}
