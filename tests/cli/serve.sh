# `obscura serve`: the real program over a loopback port. A1111's API, our own, kills, and that nothing leaves.
source "$ROOT/tests/cli/verdicts.bash"

python3 -B "$ROOT/tests/cli/serve_driver.py" "$OBSCURA" "$ROOT"

# Through TLS, by a certificate of its own: whoever has the certificate knows who answers.
"$OBSCURA" serve --data secured --listen 127.0.0.1:0 --tls-self-signed >secured.log 2>&1 &
server=$!
for _ in $(seq 100); do grep -q SHA-256 secured.log && break; sleep 0.1; done
port=$(sed -n 's|^Obscura listens at https://127.0.0.1:||p' secured.log)
if curl -s -f --cacert secured/tls/certificate.pem "https://localhost:$port/api/v1" | grep -q version &&
  ! curl -s "https://localhost:$port/api/v1" &&
  curl -s "http://localhost:$port/api/v1" | grep -q "speaks TLS"; then
  pass speaks_tls
else
  fail speaks_tls "$(head -c 300 secured.log)"
fi
kill "$server"
wait "$server"
cp secured/tls/certificate.pem given.pem
"$OBSCURA" serve --data secured --listen 127.0.0.1:0 --tls-cert given.pem --tls-key given.pem >refused.log 2>&1
if [[ $? -eq 2 ]] && grep -q "given.pem: wanted the key of given.pem" refused.log; then
  pass refuses_another_key
else
  fail refuses_another_key "$(head -c 300 refused.log)"
fi

# Where the only network is an own loopback that is down, all works as ever: nothing outside is needed.
if unshare --net --map-root-user true 2>/dev/null; then
  cat >inside.sh <<'INSIDE'
ip link set lo up 2>/dev/null || exit 77
"$OBSCURA" serve --data alone --listen 127.0.0.1:8188 >alone.log 2>&1 &
server=$!
for _ in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:8188/api/v1 && break; sleep 0.1; done
curl -s -f http://127.0.0.1:8188/sdapi/v1/txt2img -d '{"prompt":"a photo of a red ball","steps":1,"width":64,"height":64}' >answer.json
kill "$server"
wait "$server"
python3 -c 'import json; assert len(json.load(open("answer.json"))["images"]) == 1'
# What the namespace's interfaces have sent: loopback is the only one.
[[ $(grep -vc -e 'lo:' -e Inter- -e face /proc/net/dev) -eq 0 ]]
INSIDE
  unshare --net --map-root-user env OBSCURA="$OBSCURA" bash inside.sh
  case $? in
    0) pass renders_without_a_network ;;
    77) skip renders_without_a_network "no ip command to bring loopback up" ;;
    *) fail renders_without_a_network "$(head -c 300 alone.log answer.json)" ;;
  esac
else
  skip renders_without_a_network "this machine allows no network namespaces"
fi

# Every address that the program connects to, over a start, a render and a stop: there is none.
if strace -f -o /dev/null true 2>/dev/null; then
  strace -f -e trace=connect,sendto,sendmsg -o traced "$OBSCURA" serve --data traced_data --listen 127.0.0.1:0 >traced.log 2>&1 &
  tracer=$!
  for _ in $(seq 200); do grep -q listens traced.log && break; sleep 0.1; done
  url=$(sed -n 's/^Obscura listens at //p' traced.log)
  curl -s "$url/sdapi/v1/txt2img" -d '{"prompt":"a photo of a red ball","steps":1,"width":64,"height":64}' >traced.json
  pkill -TERM -P "$tracer"
  wait "$tracer"
  if grep -q '"images"' traced.json && ! grep -E 'connect\(' traced | grep -q -E 'AF_INET|AF_INET6'; then
    pass connects_to_nothing
  else
    fail connects_to_nothing "$(grep connect traced | head -n 3) $(head -c 200 traced.json)"
  fi
else
  skip connects_to_nothing "strace may not trace here"
fi
