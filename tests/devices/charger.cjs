// A charger of another code base: ocpp-rpc, held to OCPP's own schemas in both directions.
// Takes one JSON object of options as its argument, says each event as a line of JSON, and does
// what a line of its input says: a message to call.
const { RPCClient, createRPCError } = require('ocpp-rpc');
const { createInterface } = require('node:readline');
const { readFileSync } = require('node:fs');

const asked = JSON.parse(process.argv[2]);
const say = (event, more) => console.log(JSON.stringify({ event, ...more }));
const old = asked.protocol === 'ocpp1.6';
const client = new RPCClient({
  endpoint: asked.endpoint,
  identity: asked.identity,
  password: asked.password,
  protocols: [asked.protocol],
  strictMode: true,
  reconnect: false,
  wsOpts: asked.ca ? { ca: readFileSync(asked.ca) } : {},
});
let profiles = [];

client.handle('SetChargingProfile', ({ params }) => {
  const profile = old ? params.csChargingProfiles : params.chargingProfile;
  profiles.push(profile);
  say('profile', { where: old ? params.connectorId : params.evseId, profile });
  return { status: asked.refuses ? 'Rejected' : 'Accepted' };
});
client.handle('ClearChargingProfile', ({ params }) => {
  const number = old ? params.id : params.chargingProfileId;
  const left = profiles.filter((each) => (old ? each.chargingProfileId : each.id) !== number);
  const status = left.length < profiles.length ? 'Accepted' : 'Unknown';
  profiles = left;
  say('cleared', { number, status });
  return { status };
});
client.handle('GetCompositeSchedule', ({ params }) => {
  const last = profiles.at(-1).chargingSchedule;
  const [{ limit }] = (old ? last : last[0]).chargingSchedulePeriod;
  const chargingSchedulePeriod = [{ startPeriod: 0, limit }];
  const { chargingRateUnit, duration } = params;
  if (old) {
    const chargingSchedule = { chargingRateUnit, chargingSchedulePeriod };
    return { status: 'Accepted', connectorId: params.connectorId, chargingSchedule };
  }
  const scheduleStart = new Date().toISOString();
  const { evseId } = params;
  const schedule = { evseId, duration, scheduleStart, chargingRateUnit, chargingSchedulePeriod };
  return { status: 'Accepted', schedule };
});
client.handle(() => {
  throw createRPCError('NotImplemented');
});

async function main() {
  try {
    await client.connect();
  } catch (error) {
    say('refused', { code: error.code ?? null, status: error.response?.statusCode ?? error.code });
    return;
  }
  say('connected', { protocol: client.protocol });
  for await (const line of createInterface({ input: process.stdin })) {
    const [message, params] = JSON.parse(line);
    try {
      say('answered', { message, answer: await client.call(message, params) });
    } catch (error) {
      say('failed', { message, code: error.rpcErrorCode ?? error.code ?? String(error) });
    }
  }
  await client.close();
}

main();
