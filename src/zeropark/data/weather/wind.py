"""What the wind gives: its speed at the hub and the power of a turbine in thin air."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_MEASURED_AT = 10.0  # [m] height of the weather's wind
_NAMEPLATE_DENSITY = 1.225  # [kg/m3] standard air at the sea, of power curves (IEC 61400-12-1)


def hub_speed(v10: Floats, hub_height: float, shear: float) -> Floats:
    """Return the wind speed at `hub_height` [m] from that at 10 m, both [m/s], by a power law.

    shear: the exponent of Hellman [1], about 0.14 over open ground, 0.2 and more over rough ground.
    """
    return np.asarray(v10 * (hub_height / _MEASURED_AT) ** shear, dtype=np.float64)


def power_curve_pu(
    speed: Floats, density: Floats, curve_speeds: Floats, curve_power: Floats
) -> Floats:
    """Return the power of a turbine in the unit of `curve_power`, shape (N,).

    speed: at the hub [m/s], density of the air [kg/m3], shape (N,) each. curve_speeds [m/s],
    rising, and curve_power, shape (M,): at 1.225 kg/m3. In thin air the curve's speeds are
    stretched by (1.225/density) to the power 1/3 up to 7.5 m/s, 2/3 from 12.5 m/s on and in
    between in between (Svenningsen, EMD 2010, the form windpowerlib has). Below the first and
    above the last speed: 0.
    """
    power_of_ratio = np.interp(curve_speeds, [7.5, 12.5], [1 / 3, 2 / 3])
    thin = np.log(_NAMEPLATE_DENSITY / density)
    stretched = curve_speeds[None, :] * np.exp(thin[:, None] * power_of_ratio[None, :])
    below = (stretched <= speed[:, None]).sum(axis=1) - 1
    inside = (below >= 0) & (speed <= stretched[:, -1])
    left = np.clip(below, 0, len(curve_speeds) - 2)
    row = np.arange(len(speed))
    start, end = stretched[row, left], stretched[row, left + 1]
    part = np.clip((speed - start) / (end - start), 0.0, 1.0)
    power = curve_power[left] + part * (curve_power[left + 1] - curve_power[left])
    return np.asarray(np.where(inside, power, 0.0), dtype=np.float64)
