// One js-libp2p node that obeys lines of JSON (see ../driven.py): node libp2p.mjs PORT SEED
import { createInterface } from 'node:readline'

Promise.withResolvers ??= function () { // libp2p 3 wants it, Node 20 lacks it
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}
const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { identify } = await import('@libp2p/identify')
const { gossipsub } = await import('@libp2p/gossipsub')
const { generateKeyPairFromSeed } = await import('@libp2p/crypto/keys')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { multiaddr } = await import('@multiformats/multiaddr')

const PROTOCOL = '/bench/text/1'
const ROOM = 'room'
const SIZE = 200
const [port, seed] = process.argv.slice(2)
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const now = () => process.hrtime.bigint()
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

let texts = []
const shown = (frame, at) => texts.push([Number(frame.readBigUInt64LE(at)), Number(now())])
function text () {
  const frame = Buffer.alloc(SIZE, 120)
  frame.writeBigUInt64LE(now())
  return frame
}

// Calls `take` with the whole frames that have come.
function cut (take) {
  let rest = Buffer.alloc(0)
  return event => {
    rest = Buffer.concat([rest, event.data.subarray()])
    const count = Math.floor(rest.length / SIZE)
    if (count) take(rest.subarray(0, count * SIZE), count)
    rest = rest.subarray(count * SIZE)
  }
}

const node = await createLibp2p({
  privateKey: await generateKeyPairFromSeed('Ed25519', Buffer.alloc(32, Number(seed))),
  addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
})
await node.handle(PROTOCOL, stream => {
  stream.addEventListener('message', cut((frames, count) => {
    for (let i = 0; i < count; i++) shown(frames, i * SIZE)
    stream.send(Buffer.alloc(count))
  }))
})
node.services.pubsub.addEventListener('message', event => {
  if (event.detail.topic === ROOM) shown(Buffer.from(event.detail.data), 0)
})

const orders = {
  async send ({ to, count, window, pause }) {
    const stream = await node.dialProtocol(multiaddr(to), PROTOCOL)
    let receipts = 0
    let news = () => {}
    stream.addEventListener('message', event => { receipts += event.data.byteLength; news() })
    const until = async wanted => { while (receipts < wanted) await new Promise(resolve => { news = resolve }) }
    const began = now()
    for (let number = 0; number < count; number++) {
      await until(number - window + 1)
      if (!stream.send(text())) await stream.onDrain()
      if (pause) await sleep(pause)
    }
    await until(count)
    const seconds = Number(now() - began) / 1e9
    await stream.close()
    return { seconds }
  },
  async nudge ({ to }) {
    const stream = await node.dialProtocol(multiaddr(to), PROTOCOL, { signal: AbortSignal.timeout(1000) })
    stream.send(text())
    await stream.close()
  },
  async took () {
    const found = texts
    texts = []
    return { texts: found }
  },
  async join () { node.services.pubsub.subscribe(ROOM) },
  async dial ({ to }) { await node.dial(multiaddr(to)) },
  async publish ({ count, pause }) {
    for (let number = 0; number < count; number++) {
      await node.services.pubsub.publish(ROOM, text())
      if (pause) await sleep(pause)
    }
  }
}
process.on('unhandledRejection', error => process.stderr.write(`${error}\n`))
say({ is: 'ready', id: node.getMultiaddrs()[0].toString() })
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  try {
    say({ is: 'done', ...await orders[order.do](order) })
  } catch (error) {
    say({ is: 'done', error: String(error) })
  }
}
