package geo

import "math"

// The spheroid of WGS 84.
const (
	semiMajor  = 6_378_137.0
	flattening = 1 / 298.257223563
	semiMinor  = semiMajor * (1 - flattening)
)

// spheroidDistance is the length of the shortest line between p and q on the
// spheroid of WGS 84, in metres, by Vincenty's inverse formula to well below a
// millimetre.
func spheroidDistance(p, q position) float64 {
	if d, ok := vincenty(p, q); ok {
		return d
	}
	// The formula does not converge between nearly opposite points. Any way
	// between them passes the great circle halfway, so the shortest is the
	// least over its points, and for both halves the formula holds.
	a, b := p.point(), q.point()
	x := a.Sub(b.Vector).Normalize().Ortho()
	y := a.Sub(b.Vector).Normalize().Cross(x)
	via := func(t float64) float64 {
		sin, cos := math.Sincos(t)
		v := x.Mul(cos).Add(y.Mul(sin))
		m := position{math.Atan2(v.Y, v.X) * 180 / math.Pi, math.Atan2(v.Z, math.Hypot(v.X, v.Y)) * 180 / math.Pi}
		d1, ok1 := vincenty(p, m)
		d2, ok2 := vincenty(m, q)
		if !ok1 || !ok2 {
			return math.Inf(1)
		}
		return d1 + d2
	}
	const steps = 72
	best, at := math.Inf(1), 0.0
	for i := range steps {
		t := 2 * math.Pi * float64(i) / steps
		if d := via(t); d < best {
			best, at = d, t
		}
	}
	lo, hi := at-2*math.Pi/steps, at+2*math.Pi/steps
	golden := (math.Sqrt(5) - 1) / 2
	for range 60 {
		l, h := hi-golden*(hi-lo), lo+golden*(hi-lo)
		if via(l) < via(h) {
			hi = h
		} else {
			lo = l
		}
	}
	return min(best, via((lo+hi)/2))
}

func vincenty(p, q position) (float64, bool) {
	const rad = math.Pi / 180
	if p == q {
		return 0, true
	}
	l := math.Remainder((q.lng-p.lng)*rad, 2*math.Pi)
	sinU1, cosU1 := math.Sincos(math.Atan((1 - flattening) * math.Tan(p.lat*rad)))
	sinU2, cosU2 := math.Sincos(math.Atan((1 - flattening) * math.Tan(q.lat*rad)))
	lambda := l
	for range 200 {
		sinL, cosL := math.Sincos(lambda)
		sinS := math.Hypot(cosU2*sinL, cosU1*sinU2-sinU1*cosU2*cosL)
		if sinS == 0 {
			return 0, math.Abs(p.lat-q.lat) < 1e-12 // else opposite points
		}
		cosS := sinU1*sinU2 + cosU1*cosU2*cosL
		sigma := math.Atan2(sinS, cosS)
		sinA := cosU1 * cosU2 * sinL / sinS
		cos2A := 1 - sinA*sinA
		cos2M := 0.0
		if cos2A > 1e-16 { // 0 on the equator
			cos2M = cosS - 2*sinU1*sinU2/cos2A
		}
		c := flattening / 16 * cos2A * (4 + flattening*(4-3*cos2A))
		before := lambda
		lambda = l + (1-c)*flattening*sinA*(sigma+c*sinS*(cos2M+c*cosS*(2*cos2M*cos2M-1)))
		if math.Abs(lambda) > math.Pi+1 {
			return 0, false
		}
		if math.Abs(lambda-before) < 1e-13 {
			u2 := cos2A * (semiMajor*semiMajor - semiMinor*semiMinor) / (semiMinor * semiMinor)
			a := 1 + u2/16384*(4096+u2*(-768+u2*(320-175*u2)))
			b := u2 / 1024 * (256 + u2*(-128+u2*(74-47*u2)))
			delta := b * sinS * (cos2M + b/4*(cosS*(2*cos2M*cos2M-1)-b/6*cos2M*(4*sinS*sinS-3)*(4*cos2M*cos2M-3)))
			return semiMinor * a * (sigma - delta), true
		}
	}
	return 0, false
}
