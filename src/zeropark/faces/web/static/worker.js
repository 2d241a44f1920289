// One event stream for every tab of a browser: a host may hold only six.

const ports = new Set();
let source = null;

function open() {
  if (source) return;
  source = new EventSource("/live");
  source.onmessage = (event) => { for (const port of ports) port.postMessage(event.data); };
  source.onerror = () => {
    // Refused for good (signed out, a server that restarts behind a proxy): ask again by ourselves.
    if (source && source.readyState === EventSource.CLOSED) { source = null; if (ports.size) setTimeout(open, 1000); }
  };
}

self.onconnect = (event) => {
  const [port] = event.ports;
  ports.add(port);
  port.onmessage = () => {
    ports.delete(port);
    if (!ports.size && source) { source.close(); source = null; }
  };
  port.start();
  open();
};
