// matrix-js-sdk's client, in lines of JSON: see client_process.py. Run it where the SDK is
// installed: it is looked for in the current folder, not in the script's. Calls are methods of the
// client, and those of `ours` below.
import { Console } from "node:console";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

globalThis.console = new Console(process.stderr); // the SDK logs there; standard output is ours

const require = createRequire(join(process.cwd(), "package.json"));
const sdk = await import(pathToFileURL(require.resolve("matrix-js-sdk")));

const clients = new Map();
const loggedOut = new Map();

const ours = {
    new: (number, baseUrl, accessToken) => {
        const client = sdk.createClient({ baseUrl, accessToken });
        clients.set(number, client);
        client.on(sdk.HttpApiEvent.SessionLoggedOut, (error) => {
            loggedOut.set(number, describe(error));
        });
    },

    version: () => require("matrix-js-sdk/package.json").version,

    // What the SDK told the application of the end of its session; null: nothing.
    loggedOut: (number) => loggedOut.get(number),

    // A method whose last argument is `auth`, with the SDK's InteractiveAuth, as an application
    // does it that asks its user for a password: `passwords` are what the user types, one after
    // another. Returns the result, and what the application was told before each.
    interactively: async (number, method, target, user, passwords) => {
        const client = clients.get(number);
        const asked = [];
        const waiting = [...passwords];
        const auth = new sdk.InteractiveAuth({
            matrixClient: client,
            doRequest: (authData) => client[method](target, authData ?? undefined),
            requestEmailToken: () => Promise.reject(new Error("no mail here")),
            stateUpdated: (stage, status) => {
                asked.push({ stage, ...status });
                const password = waiting.shift();
                if (password === undefined) throw new Error(`asked once more for ${stage}`);
                const identifier = { type: "m.id.user", user };
                auth.submitAuthDict({ type: sdk.AuthType.Password, identifier, password });
            },
        });
        return { result: await auth.attemptAuth(), asked };
    },
};

function describe(error) {
    const { name, message, errcode, httpStatus, data } = error;
    const limited = error instanceof sdk.MatrixError && error.isRateLimitError();
    const retryAfterMs = limited ? error.getRetryAfterMs() : undefined;
    return { name, message, errcode, httpStatus, data, retryAfterMs };
}

for await (const line of createInterface({ input: process.stdin })) {
    const { client: number, call, arguments: args } = JSON.parse(line);
    const client = clients.get(number);
    let answer;
    try {
        const result = await (call in ours ? ours[call](number, ...args) : client[call](...args));
        answer = { result: result ?? null };
    } catch (error) {
        console.error(error);
        answer = { error: describe(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
