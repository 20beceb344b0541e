// The certified OpenID provider (npm `oidc-provider`) on a free port of loopback, for tests.
//
//   node provider.mjs REDIRECT_URI PEOPLE      PEOPLE: JSON, {login: {claims of the ID token}}
//
// Prints its issuer as its first line. Who signs in types a login; the password is not looked at.
// `POST /test/people` replaces PEOPLE, so that a test moves somebody to another group.
import { createServer } from "node:http";
import { once } from "node:events";
import Provider from "oidc-provider";

const [redirectUri, given] = process.argv.slice(2);
let people = JSON.parse(given);

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://localhost:${server.address().port}`;

const client = (id) => ({
  client_id: id,
  client_secret: `secret of ${id}`,
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [redirectUri.replace(/\/oidc\/callback$/, "")],
  backchannel_logout_uri: redirectUri.replace(/callback$/, "logout"),
  backchannel_logout_session_required: true,
  response_types: ["code"],
  grant_types: ["authorization_code"],
});

const provider = new Provider(issuer, {
  clients: [client("tallystick"), client("another")],
  findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: false,
  features: { backchannelLogout: { enabled: true } },
  // Its own way of fetching refuses loopback, where the tests' node is.
  fetch: (address, { dispatcher, ...options }) => fetch(address, options),
  pkce: { required: () => true },
  cookies: { keys: ["for tests alone"] },
  ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 300, Interaction: 300, Session: 300, Grant: 300 },
  // Every client is the bank's own: nobody is asked for consent.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

server.on("request", async (request, response) => {
  if (request.method === "POST" && request.url === "/test/people") {
    const parts = [];
    for await (const part of request) parts.push(part);
    people = JSON.parse(Buffer.concat(parts));
    response.end();
    return;
  }
  provider.callback()(request, response);
});
console.log(issuer);
