/** A server on which the user `free` may do everything, and `bound` everything but read from whichever replica is near. */
export const FREE_AND_BOUND = `
    accounts {
        A {
            jetstream: enabled
            users: [
                { user: free, password: a }
                { user: bound, password: b, permissions: { publish: { deny: ["$JS.API.DIRECT.GET.>"] } } }
            ]
        }
    }`;
