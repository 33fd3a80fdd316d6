import { readdirSync, readFileSync } from 'node:fs';

/**
 * All processes that a process has started, and those that they have; parents come first.
 *
 * zero-cache's workers are leaders of process groups of their own and outlive their parent, so each has to be ended by
 * itself. Must be called while the parent is there. Empty where there is no /proc.
 */
export function descendantsOf(root: number): number[] {
    const children = new Map<number, number[]>();
    for (const name of processNames()) {
        const parent = parentOf(name);
        if (parent !== undefined) {
            children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
        }
    }
    const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap(child => [child, ...below(child)]);
    return below(root);
}

/** Ends processes at once; those that are gone already are fine. */
export function killAll(pids: readonly number[]): void {
    for (const pid of pids) {
        try {
            process.kill(pid, 'SIGKILL');
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
                throw error;
            }
        }
    }
}

function processNames(): string[] {
    try {
        return readdirSync('/proc').filter(name => /^\d+$/.test(name));
    } catch {
        return [];
    }
}

function parentOf(name: string): number | undefined {
    try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
        return undefined;
    }
}
