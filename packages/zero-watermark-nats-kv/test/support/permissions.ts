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

/** The subjects that a table of that page lists for a column. */
export function subjectsInTable(heading: string, column: string): string[] {
    const table = page.slice(page.indexOf(heading)).split('\n');
    const start = table.findIndex(line => line.startsWith('| Subject'));
    const cells = (line: string) => line.split('|').map(cell => cell.trim());
    const index = cells(table[start] ?? '').indexOf(column);
    const end = table.findIndex((line, at) => at > start && !line.startsWith('|'));
    return table
        .slice(start + 2, end)
        .map(cells)
        .filter(row => row[index] !== '')
        .map(row => row[1]?.replaceAll('`', '') ?? '');
}

/** A user in a server's configuration. */
export function userWith(name: string, publish: readonly string[], subscribe = '_INBOX.>'): string {
    const permissions = `{ publish: ${JSON.stringify(publish)}, subscribe: [${JSON.stringify(subscribe)}] }`;
    return `{ user: ${JSON.stringify(name)}, password: "a-password", permissions: ${permissions} }`;
}
