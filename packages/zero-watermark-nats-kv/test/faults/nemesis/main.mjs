// @ts-check
// The long form of the fault suite, for `npm run test:faults`: TypeScript, run as the test runner runs it.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const conditions = ['@cbnsndwch/source', 'module', 'node', 'import', 'default'];
/** @type {{ module: { main: (args: readonly string[]) => Promise<number> } }} */
const { module } = await runnerImport(fileURLToPath(new URL('command.ts', import.meta.url)), {
    configFile: false,
    logLevel: 'warn',
    // Node 20 has no `await using`.
    esbuild: { target: 'node20' },
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: ['node', 'import', 'default'] } }
});
process.exitCode = await module.main(process.argv.slice(2));
