// An OpenID provider for the tests: oidc-provider as it is, with people in memory. It says its address on one line.
import { createRequire } from 'node:module';
const require = createRequire(process.env.PROVIDER_MODULES + '/');
const { default: Provider } = await import(require.resolve('oidc-provider'));

const [name, redirect, home, signed] = process.argv.slice(2);
const people = { informaticienne: ['parvis-dsi', 'other'], administratrice: ['parvis-dsi@lac', 'other'], egaree: ['parvis-dsi@nulle-part'], mediatrice: ['mediator'], comptable: ['accountant'] };
const client = {
  client_id: 'parvis', client_secret: 'a secret of the tests, long enough', redirect_uris: [redirect], post_logout_redirect_uris: [home],
  response_types: ['code'], grant_types: ['authorization_code'],
  ...(signed === 'signed' ? { userinfo_signed_response_alg: 'RS256' } : {}),
};
import { createServer } from 'node:http';
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client],
    pkce: { required: () => name === 'pkce' },
    claims: { openid: ['sub', 'realm_access'], profile: ['name'] },
    features: { devInteractions: { enabled: true }, jwtUserinfo: { enabled: true } },
    // Roles and name come with user info alone, or with the ID token too.
    conformIdTokenClaims: name === 'userinfo',
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, name: id[0].toUpperCase() + id.slice(1), realm_access: { roles: people[id] ?? [] } }) }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
