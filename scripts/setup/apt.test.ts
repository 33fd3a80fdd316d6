import { describe, expect, test } from 'vitest';
import { aptConfiguration, aptPercent, aptProblem, debianMirrors } from './apt.mjs';

describe('apt', () => {
    test("keeps the machine's proxy and drops its hooks, pins and folders", () => {
        const dump = [
            'Acquire::http::Proxy "http://proxy.example:3128";',
            'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
            'Foo::Post-Invoke-Success:: "touch x";',
            'APT::Default-Release "stable";',
            'Dir::State::lists "lists/";',
            'Dir::Etc::sourceparts "sources.list.d";',
            'Acquire::IndexTargets::deb::Contents-deb::MetaKey "x";'
        ].join('\n');
        const own = aptConfiguration(dump, '/cache/x', { ownSources: true });
        expect(own).toContain('Acquire::http::Proxy "http://proxy.example:3128";');
        expect(own).toContain('Dir::State::lists "/cache/x/lists";');
        expect(own).not.toMatch(/Invoke|Default-Release|Contents-deb|"lists\/"/);
        // The last one counts: the machine's sources are not ours.
        expect(own.match(/Dir::Etc::sourceparts .*/g)?.at(-1)).toBe('Dir::Etc::sourceparts "/dev/null";');
        expect(aptConfiguration(dump, '/cache/x', { ownSources: false })).not.toContain('/cache/x/sources.list');
    });

    test("finds Debian's mirrors and not other vendors' suites", () => {
        const uris = [
            ['http://vendor.example/apt', 'bookworm', 'main'],
            ['http://mirror.example/debian', 'bookworm', 'main'],
            ['http://mirror.example/debian', 'bookworm-updates', 'main'],
            ['http://security.example/debian-security', 'bookworm-security', 'main'],
            ['http://docker.example/linux/debian', 'bookworm', 'stable'],
            ['http://ubuntu.example/ubuntu', 'noble', 'main'],
            ['mirror+file:/etc/apt/mirrors/debian', 'trixie', 'main'],
            ['cdrom:[Debian]', 'bookworm', 'main']
        ].map(([base, suite, part]) => `'${base}/dists/${suite}/${part}/binary-amd64/Packages.xz' x_Packages 0 `);
        expect(debianMirrors(uris.join('\n'))).toEqual([
            'http://mirror.example/debian',
            'mirror+file:/etc/apt/mirrors/debian',
            'http://vendor.example/apt'
        ]);
        expect(debianMirrors("'http://mirror.example/debian/dists/bookworm/InRelease' x 0")).toEqual([]);
    });

    test('gives its errors as the reason, without credentials', () => {
        const output =
            'W: a warning\nE: Failed to fetch http://me:secret@mirror.example/x  404\nE: Some index files failed to download. Ignored.';
        expect(aptProblem(output)).toBe('Failed to fetch http://***@mirror.example/x  404');
        expect(aptProblem('W: only a warning\n')).toBe('only a warning');
        expect(aptProblem('')).toBe('apt-get gave no reason');
    });

    test('reports percent', () => {
        expect(aptPercent('dlstatus:3:93.3333:Retrieving file 3 of 3')).toBeCloseTo(93.3333);
        expect(aptPercent('pmstatus:x:10:y')).toBeUndefined();
    });
});
