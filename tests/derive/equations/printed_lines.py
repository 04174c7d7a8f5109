"""The equations of the three documents, as they stand there, with what the names of the third one stand for."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A line of a document, and its ``--let`` rules."""

    text: str
    let: tuple[str, ...] = ()


QUESTION_1 = [
    Line(r"$s^i = z^i W^i + b^i$"),
    Line(r"$z^{i+1} = f(s^i)$"),
    Line(
        r"$ \frac{\partial Cost} {\partial w^{i}_{l,k}} = z^{i}_{l} \frac{\partial Cost}{\partial s^{i}_{k}}$ ",
    ),
    Line(
        r"$\frac{\partial Cost}{\partial s^{i}_{k}} = "
        r"f'(s^{i}_{k}) W^{i+1}_{k, :}\frac{\partial Cost}{\partial s^{i}_k}$."
    ),
    Line(r"$f'(s^{i}_{k}) \approx 1$"),
    Line(r"$Var[z^i] = Var[x] \Pi_{i'=0}^{i-1}n_i'Var[W^i]$."),
    Line(r"$E[x] = E[W^i] = 0$"),
    Line(r"$Var(XY) = Var(X)Var(Y) + E(X)^2Var(Y) + E(Y)^2Var(X)$."),
    Line(
        r"\begin{equation} Var[ \frac{\partial Cost}{\partial s^i}] = Var[\frac{\partial Cost}{\partial s^d}] "
        r"\Pi_{i'=i}^{d} n_{i'+1} Var [W^i] \tag{1}\end{equation}"
    ),
    Line(
        r"\begin{equation} Var[\frac{\partial Cost}{\partial w^i}] = \Pi_{i'=0}^{i-1} n_{i'} Var [W^{i'}] "
        r"\Pi_{i'=i}^{d-1} n_{i'+1} Var [W^{i'}] Var[x] Var [\frac{\partial Cost}{\partial s^d}] \tag{2} \end{equation}"
    ),
    Line(
        r"$\frac{\partial Cost}{\partial s^i} = \frac{\partial Cost}{\partial s^{i+1}} "
        r"\frac{\partial s^{i+1} }{\partial s_i}$"
    ),
    Line(r"$s_1 = W^{1} x + b^{i}$"),
    Line(r"$Var[W^i x] = Var[W^i]Var[x]$"),
    Line(r"$\frac{\partial s^{i+1} }{\partial s_i} = W^{i}$"),
]
QUESTION_2 = [
    Line(r"$$\forall(i, i′), Var[z^i] =Var[z^{i′}]$$"),
    Line(r"$$\forall(i, i′), Var\left(\frac{∂Cost}{∂s^i}\right)=Var\left(\frac{∂Cost}{∂s^{i′}}\right)$$"),
    Line(
        r"$$\text{Layer 1}\rightarrow \frac{\partial Cost}{\partial W^i}= "
        r"\frac{\partial Cost}{\partial s^i}\frac{\partial s^i}{\partial W^i}="
        r"\frac{\partial Cost}{\partial s^i} (z^{i-1})^T$$"
    ),
    Line(
        r"$$\text{Layer 2}\rightarrow \frac{\partial Cost}{\partial W^{i+1}}= "
        r"\frac{\partial Cost}{\partial s^{i+1}}\frac{\partial s^{i+1}}{\partial W^{i+1}}="
        r"\frac{\partial Cost}{\partial s^{i+1}} (z^{i})^T$$"
    ),
    Line(
        r"$$ Var\left(\frac{\partial Cost}{\partial s^i}\right) = "
        r"Var\left(\frac{\partial Cost}{\partial s^{i+1}}\right) \,\,\,\,\,\leftrightarrow\,\,\,\,\, "
        r"Var(z^i)=Var(z^{i-1})$$"
    ),
    Line(
        r"$$Var\left(\frac{\partial Cost}{\partial W^i} \right) = "
        r"Var\left(\frac{\partial Cost}{\partial W^{i+1}} \right)$$"
    ),
    Line(r"$Var(x_1) = 2 Var(x_2)$"),
    Line(r"$\bar{x}_1=\bar{x}_2=0$"),
]
_LAYERED = ("y_l = s^l", "W_l = W^l", "N = n_l")
_ONE_UNIT = ("y = s^i_k", "μ = ⟨s^i_k⟩", "ν = s^i_k - ⟨s^i_k⟩")
_LAWS = ("ν ~ N(0, v^2)", "μ ~ N(0, m^2)")
POST_3 = [
    Line(r"$\llangle y \rrangle=0$", _ONE_UNIT),
    Line(r"$\mathbf{y}_l = \mathbf{W}_{l} f(\mathbf{y}_{l-1})$", _LAYERED),
    Line(
        r"$$ \llangle y_l^2 \rrangle = N \; \llangle W_l^2 \rrangle \llangle f(y_{l-1})^2 \rrangle = "
        r"2 \llangle f(y_{l-1})^2 \rrangle$$",
        _LAYERED,
    ),
    Line(r"$$ \llangle f(y_{l-1})^2 \rrangle = \frac{1}{2} \llangle y_{l-1}^2 \rrangle $$", _LAYERED),
    Line(r"$$ \llangle y_l^2 \rrangle =  \llangle y_{l-1}^2 \rrangle $$", _LAYERED),
    Line(
        r"$$ \langle y_l^2 \rangle - \langle y_l \rangle^2 \approx "
        r"\llangle \langle y_l^2 \rangle - \langle y_l \rangle^2 \rrangle $$",
        _LAYERED,
    ),
    Line(r"$$ y = \mu + \nu $$", _ONE_UNIT),
    Line(
        r"$$ y(w,t) = \mu(w) + \nu(w,t) $$",
        ("y(w,t) = s^i_k", "μ(w) = ⟨s^i_k⟩", "ν(w,t) = s^i_k - ⟨s^i_k⟩"),
    ),
    Line(
        r"$$ \llangle \langle y \rangle^2 \rrangle = "
        r"2 \int \left[\int f(\mu+\nu) P(\nu) d\nu \right]^2 P(\mu) d \mu $$",
        ("y = s^i_k", *_LAWS),
    ),
    Line(
        r"$$ \int \left[\int f(\mu+\nu) P(\nu| \mu) d\nu \right]^2 "
        r"P(\mu) d \mu = K(m,v)$$",
        ("K(m, v) = m^2 (1/4 + asin(m^2/(m^2 + v^2))/(2π)) + v sqrt(2 m^2 + v^2)/(2π)", *_LAWS),
    ),
]
LINES = [*QUESTION_1, *QUESTION_2, *POST_3]
