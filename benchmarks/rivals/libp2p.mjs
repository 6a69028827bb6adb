// One js-libp2p node that obeys lines of JSON: a stream with a receipt for each text.
import { createInterface } from 'node:readline'

Promise.withResolvers ??= function () { // libp2p 3 wants it, Node 20 lacks it
  let resolve, reject
  const promise = new this((a, b) => { resolve = a; reject = b })
  return { promise, resolve, reject }
}
const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { identify } = await import('@libp2p/identify')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { multiaddr } = await import('@multiformats/multiaddr')

const PROTOCOL = '/bench/text/1'
const SIZE = 200
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const now = () => process.hrtime.bigint()
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

// Calls `take` with the whole frames of `size` bytes that have come.
function cut (size, take) {
  let rest = Buffer.alloc(0)
  return event => {
    rest = Buffer.concat([rest, event.data.subarray()])
    const count = Math.floor(rest.length / size)
    if (count) take(rest.subarray(0, count * size), count)
    rest = rest.subarray(count * size)
  }
}

let took = []
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify() }
})
await node.handle(PROTOCOL, stream => {
  stream.addEventListener('message', cut(SIZE, (texts, count) => {
    for (let i = 0; i < count; i++) took.push(Number(now() - texts.readBigUInt64LE(i * SIZE)) / 1e9)
    stream.send(Buffer.alloc(count))
  }))
})

async function send ({ to, count, window, pause }) {
  const stream = await node.dialProtocol(multiaddr(to), PROTOCOL)
  let receipts = 0
  let news = () => {}
  stream.addEventListener('message', event => { receipts += event.data.byteLength; news() })
  const until = async wanted => { while (receipts < wanted) await new Promise(resolve => { news = resolve }) }
  const began = now()
  for (let number = 0; number < count; number++) {
    await until(number - window + 1)
    const text = Buffer.alloc(SIZE, 120)
    text.writeBigUInt64LE(now())
    if (!stream.send(text)) await stream.onDrain()
    if (pause) await sleep(pause)
  }
  await until(count)
  const seconds = Number(now() - began) / 1e9
  await stream.close()
  return { seconds }
}

say({ is: 'ready', id: node.getMultiaddrs()[0].toString() })
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  if (order.do === 'took') {
    say({ is: 'done', seconds: took })
    took = []
  } else {
    say({ is: 'done', ...await send(order) })
  }
}
