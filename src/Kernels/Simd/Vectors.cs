using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using X86Fma = System.Runtime.Intrinsics.X86.Fma;

namespace Engine.Kernels.Simd;

// Fma, Max and Min name the processor's instructions where the runtime's own names (MultiplyAddEstimate, MaxNative, MinNative) would do the same: code that
// uses those is not compiled ahead, because what they give may differ from one kind of processor to another.

/// <summary>16 floats in a 512-bit register; if the processor has none, the runtime uses pairs of narrower ones.</summary>
internal readonly unsafe struct V512(Vector512<float> value) : IVector<V512>
{
    private readonly Vector512<float> _value = value;

    public static int Width => 16;

    public static bool HasManyRegisters => true;

    public static V512 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V512 value, float* destination) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 LoadFirst(float* source, int count) =>
        new(Vector512.ConditionalSelect(FirstLanes(count), Vector512.Load(source), Vector512<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(V512 value, float* destination, int count)
    {
        if (Avx512F.IsSupported) Avx512F.MaskStore(destination, FirstLanes(count), value._value);
        else for (int i = 0; i < count; i++) destination[i] = value._value.GetElement(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 operator +(V512 left, V512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 operator -(V512 left, V512 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 operator *(V512 left, V512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 operator /(V512 left, V512 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fma(ref V512 acc, V512 a, V512 b) => acc = new(
        Avx512F.IsSupported ? Avx512F.FusedMultiplyAdd(a._value, b._value, acc._value) : Vector512.MultiplyAddEstimate(a._value, b._value, acc._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Max(V512 left, V512 right) => new(
        Avx512F.IsSupported ? Avx512F.Max(left._value, right._value) : Vector512.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Min(V512 left, V512 right) => new(
        Avx512F.IsSupported ? Avx512F.Min(left._value, right._value) : Vector512.MinNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Log(V512 value) => new(Vector512.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 Sqrt(V512 value) => new(Vector512.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 SelectPositive(V512 condition, V512 positive, V512 otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(condition._value, Vector512<float>.Zero), positive._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(V512 value)
    {
        Vector256<float> half = value._value.GetLower() + value._value.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512 ExponentFromLowBits(V512 value) =>
        new((Vector512.ShiftLeft(value._value.AsInt32(), 23) + Vector512.Create(0x3F800000)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FirstLanes(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();
}

/// <summary>8 floats in a 256-bit register; if the processor has none, the runtime uses pairs of narrower ones.</summary>
internal readonly unsafe struct V256(Vector256<float> value) : IVector<V256>
{
    private readonly Vector256<float> _value = value;

    public static int Width => 8;

    public static bool HasManyRegisters => Vector512.IsHardwareAccelerated;

    public static V256 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V256 value, float* destination) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 LoadFirst(float* source, int count) =>
        new(Vector256.ConditionalSelect(FirstLanes(count), Vector256.Load(source), Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(V256 value, float* destination, int count)
    {
        // The older instruction reaches only 16 of the 32 registers, so that sums of a tile would have to leave theirs.
        if (Avx512F.VL.IsSupported) Avx512F.VL.MaskStore(destination, FirstLanes(count), value._value);
        else if (Avx.IsSupported) Avx.MaskStore(destination, FirstLanes(count), value._value);
        else for (int i = 0; i < count; i++) destination[i] = value._value.GetElement(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 operator +(V256 left, V256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 operator -(V256 left, V256 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 operator *(V256 left, V256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 operator /(V256 left, V256 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fma(ref V256 acc, V256 a, V256 b) => acc = new(
        X86Fma.IsSupported ? X86Fma.MultiplyAdd(a._value, b._value, acc._value) : Vector256.MultiplyAddEstimate(a._value, b._value, acc._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Max(V256 left, V256 right) => new(
        Avx.IsSupported ? Avx.Max(left._value, right._value) : Vector256.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Min(V256 left, V256 right) => new(
        Avx.IsSupported ? Avx.Min(left._value, right._value) : Vector256.MinNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Log(V256 value) => new(Vector256.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 Sqrt(V256 value) => new(Vector256.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 SelectPositive(V256 condition, V256 positive, V256 otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(condition._value, Vector256<float>.Zero), positive._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(V256 value) => value._value.GetLower() + value._value.GetUpper();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256 ExponentFromLowBits(V256 value) =>
        new((Vector256.ShiftLeft(value._value.AsInt32(), 23) + Vector256.Create(0x3F800000)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FirstLanes(int count) => Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
}

/// <summary>4 floats in a 128-bit register; if the processor has none, the runtime uses pairs of narrower ones.</summary>
internal readonly unsafe struct V128(Vector128<float> value) : IVector<V128>
{
    private readonly Vector128<float> _value = value;

    public static int Width => 4;

    public static bool HasManyRegisters => Vector512.IsHardwareAccelerated || AdvSimd.Arm64.IsSupported;

    public static V128 Zero => new(Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V128 value, float* destination) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 LoadFirst(float* source, int count) =>
        new(Vector128.ConditionalSelect(FirstLanes(count), Vector128.Load(source), Vector128<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(V128 value, float* destination, int count)
    {
        // The older instruction reaches only 16 of the 32 registers, so that sums of a tile would have to leave theirs.
        if (Avx512F.VL.IsSupported) Avx512F.VL.MaskStore(destination, FirstLanes(count), value._value);
        else if (Avx.IsSupported) Avx.MaskStore(destination, FirstLanes(count), value._value);
        else for (int i = 0; i < count; i++) destination[i] = value._value.GetElement(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 operator +(V128 left, V128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 operator -(V128 left, V128 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 operator *(V128 left, V128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 operator /(V128 left, V128 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fma(ref V128 acc, V128 a, V128 b) => acc = new(
        X86Fma.IsSupported ? X86Fma.MultiplyAdd(a._value, b._value, acc._value) : Vector128.MultiplyAddEstimate(a._value, b._value, acc._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Max(V128 left, V128 right) => new(
        Sse.IsSupported ? Sse.Max(left._value, right._value) : Vector128.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Min(V128 left, V128 right) => new(
        Sse.IsSupported ? Sse.Min(left._value, right._value) : Vector128.MinNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Log(V128 value) => new(Vector128.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 Sqrt(V128 value) => new(Vector128.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 SelectPositive(V128 condition, V128 positive, V128 otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.GreaterThan(condition._value, Vector128<float>.Zero), positive._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(V128 value) => value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 ExponentFromLowBits(V128 value) =>
        new((Vector128.ShiftLeft(value._value.AsInt32(), 23) + Vector128.Create(0x3F800000)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FirstLanes(int count) => Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle();
}

/// <summary>One float: for processors without vector registers, and as the plainest form of every kernel.</summary>
internal readonly unsafe struct V1(float value) : IVector<V1>
{
    private readonly float _value = value;

    public static int Width => 1;

    public static bool HasManyRegisters => V128.HasManyRegisters;

    public static V1 Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Broadcast(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V1 value, float* destination) => *destination = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 LoadFirst(float* source, int count) => new(count > 0 ? *source : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFirst(V1 value, float* destination, int count)
    {
        if (count > 0) *destination = value._value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 operator +(V1 left, V1 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 operator -(V1 left, V1 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 operator *(V1 left, V1 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 operator /(V1 left, V1 right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fma(ref V1 acc, V1 a, V1 b) => acc = new(float.MultiplyAddEstimate(a._value, b._value, acc._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Max(V1 left, V1 right) => new(float.MaxNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Min(V1 left, V1 right) => new(float.MinNative(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Log(V1 value) => new(MathF.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 Sqrt(V1 value) => new(MathF.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 SelectPositive(V1 condition, V1 positive, V1 otherwise) => condition._value > 0 ? positive : otherwise;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(V1 value) => Vector128.CreateScalar(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1 ExponentFromLowBits(V1 value) =>
        new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(value._value) << 23) + 0x3F800000));
}
