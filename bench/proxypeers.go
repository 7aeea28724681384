package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// proxyCopy is what a Go program does now: io.Copy in two goroutines for each
// connection, which splices.
func proxyCopy(port int, target string) error {
	l, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		t, err := net.Dial("tcp4", target)
		if err != nil {
			c.Close()
			continue
		}
		go copyOne(t.(*net.TCPConn), c.(*net.TCPConn))
		go copyOne(c.(*net.TCPConn), t.(*net.TCPConn))
	}
}

// copyOne passes one direction on, and its end. What it reads from is closed when
// both have ended: by then the other direction has closed what it wrote to.
func copyOne(to, from *net.TCPConn) {
	_, err := io.Copy(to, from)
	if err == nil {
		err = to.CloseWrite()
	}
	if err != nil {
		to.Close()
	}
	_ = from.CloseRead() // the peer may have closed it
}

// nginxProxy has one process and splices nothing: it cannot.
func nginxProxy(dir string, port int, target string) (*exec.Cmd, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, errMissing
	}
	modules, _ := filepath.Glob("/usr/lib/nginx/modules/ngx_stream_module.so")
	if len(modules) == 0 {
		return nil, errMissing
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`load_module %s;
daemon off;
master_process off;
pid %s/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
stream {
	server {
		listen %s;
		proxy_pass %s;
		proxy_buffer_size 64k;
		tcp_nodelay on;
	}
}
`, modules[0], dir, loopback(port), target)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return exec.Command(path, "-p", dir, "-c", conf), nil
}

// haproxyProxy has one thread and splices where it thinks that it pays.
func haproxyProxy(dir string, port int, target string) (*exec.Cmd, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		return nil, errMissing
	}
	conf := filepath.Join(dir, "haproxy.cfg")
	text := fmt.Sprintf(`global
	nbthread 1
	maxconn 1000
defaults
	mode tcp
	option splice-auto
	timeout connect 5s
	timeout client 60s
	timeout server 60s
listen bench
	bind %s
	server target %s
`, loopback(port), target)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return exec.Command(path, "-q", "-f", conf), nil
}
