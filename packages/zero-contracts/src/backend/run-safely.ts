/** Runs a callback of the application; what it throws, now or later, goes to `report` and nowhere else. */
export function runSafely(run: () => unknown, report: (error: unknown) => void): void {
    try {
        Promise.resolve(run()).catch(report);
    } catch (error) {
        report(error);
    }
}
